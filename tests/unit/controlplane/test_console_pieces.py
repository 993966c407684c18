"""The console's pure parts: who may see it, what an address asks for, redaction, the timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.console.access import blocked_reason, is_loopback_address
from controlplane.console.list_query import paginate, parse_query, pluralize
from controlplane.console.redaction import redact, values_of
from controlplane.console.timeline import Event, timeline
from controlplane.request_log.recorder import Entry

START = datetime(2026, 2, 10, 14, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("client", "host", "bound"),
    [
        ("127.0.0.1", "localhost:8080", "127.0.0.1"),
        ("127.0.0.1", "LOCALHOST", "127.0.0.1"),
        ("127.9.9.9", "127.0.0.1:1", "127.0.0.1"),
        ("::1", "[::1]:8080", "::"),
        ("::ffff:127.0.0.1", "localhost", "::"),
        ("127.0.0.1", "console.internal:8080", "console.internal"),
        ("::1", "[fd00::7]:8080", "fd00::7"),
    ],
)
def test_this_machine_under_its_names(client: str, host: str, bound: str) -> None:
    assert blocked_reason(client, {"host": host}, bound) is None


@pytest.mark.parametrize("client", ["192.168.0.7", "10.0.0.1", "::2", "::ffff:10.0.0.1", "0.0.0.0", "testclient", ""])
def test_other_machines_are_refused(client: str) -> None:
    assert not is_loopback_address(client)
    assert "this machine only" in (blocked_reason(client, {"host": "localhost"}, "127.0.0.1") or "")
    assert blocked_reason(None, {"host": "localhost"}, "127.0.0.1") is not None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost"),
        *("localhost:x", "localhost:8080:1", "", "::1", "[::1", "127.0.0.2", "localhost/", "localhost, evil"),
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert "names localhost" in (blocked_reason("127.0.0.1", {"host": host}, "127.0.0.1") or "")


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"])
def test_proxies_are_refused(name: str) -> None:
    headers = {"host": "localhost", name: "127.0.0.1"}
    assert "through a proxy" in (blocked_reason("127.0.0.1", headers, "127.0.0.1") or "")


CHOICES = (("status", "Status", (("", "any"), ("a", "A"))),)


@given(st.dictionaries(st.sampled_from(["page", "limit", "q", "status"]), st.text()))
def test_no_address_asks_for_too_much(query: dict[str, str]) -> None:
    asked = parse_query("/x", query, CHOICES)
    assert 1 <= asked.limit <= 500
    assert 0 <= asked.window["offset"] <= 500 * 10_000
    assert "\x00" not in asked.text
    assert asked.chosen("status") in ("", "a")


def test_neighbouring_pages_keep_the_filters() -> None:
    asked = parse_query("/x", {"q": "a&b", "status": "a", "page": "2", "limit": "10"}, CHOICES)
    assert asked.window == {"offset": 10, "fetch": 11}
    shown = paginate(asked, range(11))
    assert (list(shown.rows), shown.first) == (list(range(10)), 11)
    assert shown.before == "/x?status=a&q=a%26b&limit=10"
    assert shown.after == "/x?status=a&q=a%26b&limit=10&page=3"
    assert paginate(asked, range(10)).after == ""
    assert paginate(parse_query("/x", {}), range(51)).before == ""


def test_counting() -> None:
    assert [pluralize(1, "delivery"), pluralize(2, "delivery"), pluralize(0, "row")] == [
        "1 delivery",
        "2 deliveries",
        "0 rows",
    ]


def test_wildcards_of_the_search_are_taken_literally() -> None:
    assert parse_query("/x", {"q": r"a_b%c\d"}).pattern == r"%a\_b\%c\\d%"
    assert parse_query("/x", {"q": "  "}).pattern is None


def test_values_are_taken_out_of_errors() -> None:
    values = values_of(
        {"a": "tuna", "b": "tuna melt", "c": 4711, "d": None, "e": "xy"}, {"f": {"default": "o'x"}, "g": "Z9z"}
    )
    assert (
        redact("invalid: \"tuna melt\", TUNA, 4711, xy, o''x o'x z9Z", values)
        == 'invalid: "***", ***, ***, xy, *** *** ***'
    )
    assert redact("nothing of it", values) == "nothing of it"


def test_the_beginning_of_a_long_value_is_taken_out_too() -> None:
    values = values_of({"a": "a-long-secret-that-engines-cut"}, None)
    assert redact("near 'a-long-secret-that-eng' at line 1", values) == "near '***' at line 1"
    assert redact("a-long-sec is short enough to be another word", values).startswith("a-long-sec ")


def test_values_as_mysql_escapes_them() -> None:
    assert redact(r"near 'it\'s \\o/'", values_of({"a": "it's \\o/"}, None)) == "near '***'"


@given(st.text(), st.lists(st.text(min_size=3)))
def test_redaction_ends_and_leaves_no_value(text: str, given_: list[str]) -> None:
    values = values_of(dict(enumerate(given_)), None)  # type: ignore[arg-type]
    result = redact(text, values)
    for value in values:
        assert value not in result.replace("***", "\0") or "*" in value


def database(**changes: Any) -> dict[str, Any]:
    row = {"uuid": "u", "status": "active", "db_type": "postgres", "plan": "free", "region": "r", "is_assigned": True}
    times = {"created_at": START, "updated_at": START, "deleted_at": None, "destroy_after": None, "destroyed_at": None}
    return {**row, **times, **changes}


def job(**changes: Any) -> dict[str, Any]:
    return {"state": "done", "not_before": START, "attempts": 1, "last_error": None, "created_at": START, **changes}


def history(*arguments: Any, **options: Any) -> list[tuple[str, datetime | None, str]]:
    filled = [*arguments, *([[]] * (5 - len(arguments)))]
    return [(event.text, event.at, event.kind) for event in timeline(*filled, **options)]


def request(operation: str, body: str, *, status: int = 200, seconds: float = 9) -> Entry:
    return Entry(
        id=7,
        at=at(seconds),
        request_id="r",
        key_id=1,
        key_preview="pk_live_•",
        method="PATCH",
        target="/",
        operation=operation,
        status=status,
        code=None,
        ms=1.0,
        headers={},
        request_body=body,
        request_is_cut=False,
        response_body="{}",
        response_is_cut=False,
    )


def test_from_the_pool() -> None:
    assert history(database()) == [
        ("Requested", START, "done"),
        ("Role and database taken from the pool and handed over", START, "done"),
        ("Active", START, "done"),
    ]


def test_built_by_a_job_that_is_done() -> None:
    row, jobs = database(updated_at=at(4)), [job(not_before=at(2))]
    assert history(row, jobs) == [
        ("Requested", START, "done"),
        ("Job queued", START, "done"),
        ("Attempt 1", None, "done"),
        ("Role and database built and handed over", None, "done"),
        ("Active", at(4), "done"),
    ]
    assert timeline(row, jobs, [], [], [])[-1].is_latest
    announced = [{"event_type": "database.provisioned", "created_at": at(3), "history": 2}]
    assert timeline(row, jobs, [], announced, [])[-1] == Event(at(3), "Active")


def test_still_waiting_for_its_next_attempt() -> None:
    row = database(status="provisioning", is_assigned=False)
    jobs = [job(state="queued", attempts=2, not_before=at(8), last_error="OperationalError")]
    events = timeline(row, jobs, [], [], [])
    assert [(event.text, event.kind) for event in events[2:]] == [
        ("Attempt 2", "failed"),
        ("Next attempt", "waiting"),
        ("Active", "waiting"),
    ]
    assert "OperationalError" in events[2].detail


def test_given_up() -> None:
    row = database(status="deleted", is_assigned=False, deleted_at=at(60), destroy_after=at(90))
    assert history(row, [job(state="failed", attempts=5, last_error="X")])[2:] == [
        ("Attempt 5", None, "failed"),
        ("Given up", at(60), "failed"),
        ("To be destroyed", at(90), "waiting"),
    ]


def test_renamed_resized_deleted_destroyed() -> None:
    row = database(status="deleted", deleted_at=at(20), destroy_after=at(30), destroyed_at=at(31))
    requests = [
        request("deleteDatabase", "{}", seconds=20),
        request("updateDatabase", '{"name": "never"}', status=422, seconds=12),
        request("updateDatabaseQuotas", '{"connection_hard_limit": 5}', seconds=11),
        request("updateDatabase", '{"name": "b"}', seconds=10),
        request("createDatabase", "{}", seconds=0),
    ]
    events = timeline(row, [], [], [], requests)
    assert [(event.text, event.at, event.detail) for event in events[3:]] == [
        ("Renamed", at(10), "name b"),
        ("Quotas changed", at(11), "connection_hard_limit 5"),
        ("Deleted", at(20), "access revoked"),
        ("Destroyed", at(31), ""),
    ]
    assert events[0].link == "/console/requests/7"


def test_blueprints_stand_where_they_were_applied() -> None:
    def application(number: int, *, at_creation: bool, status: str, end: float) -> dict[str, Any]:
        row = {"id": number, "blueprint_name": "B", "blueprint_version": 1, "is_dry_run": False, "status": status}
        times = {"created_at": START, "started_at": START, "completed_at": at(end)}
        return {**row, **times, "at_creation": at_creation}

    applications = [
        application(2, at_creation=False, status="rolled_back", end=50),
        application(1, at_creation=True, status="completed", end=5),
    ]
    row = database(updated_at=at(6))
    assert history(row, [job(attempts=1)], applications, [], [request("updateDatabase", '{"name": "b"}')])[3:] == [
        ("Role and database built and handed over", None, "done"),
        ("Blueprint B v1", at(5), "done"),
        ("Active", at(6), "done"),
        ("Renamed", at(9), "done"),
        ("Blueprint B v1", at(50), "failed"),
    ]
