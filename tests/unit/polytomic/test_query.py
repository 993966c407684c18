"""Polytomic's query runner against scripted answers: what is sent, each ending, and what is said about it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest

from polytomic.api import Client
from polytomic.package import package
from polytomic.query import GetQuery, GetQueryArgs, GetQueryResult
from resourcekit.context import Context
from resourcekit.error_texts import translate_errors
from resourcekit.errors import CancelledError, CheckError, ResourceError
from resourcekit.planning.validate import validate_declaration
from resourcekit.provider_config import configure_client
from support.scripted_server import ScriptedServer, Step, answer, hang_up, reset

CONNECTION = "248df4b7-aa70-47b8-a036-33ac447e668d"
ID = "43d893ef-322b-47da-badb-3cf10d13a556"
SQL = "SELECT name, age FROM people WHERE token = 'not-to-be-shown' -- & ä"
KEY = "polytomic-key-0001"


def task(status: str, http: int = 200, **fields: Any) -> Step:
    empty = {"count": 0, "error": "", "expires": None, "fields": None, "results": None}
    return answer(http, {"data": {"id": ID, **empty, "status": status, **fields}})


CREATED = task("created")
DONE = task(
    "done",
    count=2,
    expires="2026-12-01T10:00:00Z",
    fields=["name", "age"],
    results=[{"name": "a", "age": 1}, {"name": "b", "age": None}],
)


def run(
    steps: list[Step], *, settings: dict[str, Any] | None = None, warnings: list[str] | None = None, **args: Any
) -> tuple[GetQueryResult, ScriptedServer]:
    with ScriptedServer(steps) as server:
        values = {"base_url": server.base_url, **(settings or {"api_key": KEY})}
        client: Client = configure_client(package(), values, "test", lambda _: None)

        def warn(text: str, attribute: str = "") -> None:
            (warnings if warnings is not None else []).append(f"{attribute}: {text}")

        deadline = time.monotonic() + GetQuery().time_limit(args)
        ctx = Context(client, deadline, warn=warn, cancel=args.pop("cancel", threading.Event()))
        given = GetQueryArgs(connection_id=CONNECTION, query=args.pop("query", SQL), **args)
        return translate_errors(package(), lambda: GetQuery().call(given, ctx)), server


def test_a_query_is_submitted_once_and_read_until_it_is_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result, server = run([CREATED, task("a status that no page names"), hang_up, DONE])
    assert result.fields == ["name", "age"]
    assert result.results == [{"name": "a", "age": 1}, {"name": "b", "age": None}]
    assert (result.id, result.row_count, result.expires) == (ID, 2, "2026-12-01T10:00:00Z")
    first, *reads = server.seen
    assert (first.method, first.body, len(reads)) == ("POST", {}, 3)
    assert first.path.startswith(f"/api/v1/api/connections/{CONNECTION}/query?query=SELECT+name%2C+age+FROM+people+")
    assert {(each.method, each.path) for each in reads} == {("GET", f"/api/v1/api/queries/{ID}")}
    assert {each.headers["authorization"] for each in server.seen} == {f"Bearer {KEY}"}
    assert "x-polytomic-version" not in first.headers
    assert "not-to-be-shown" not in caplog.text
    assert KEY not in caplog.text


def test_an_organization_key_and_a_version_are_sent() -> None:
    _, server = run([CREATED, DONE], settings={"organization_key": "org:secret", "api_version": "2024-02-08"})
    assert {each.headers["authorization"] for each in server.seen} == {"Basic b3JnOnNlY3JldA=="}
    assert {each.headers["x-polytomic-version"] for each in server.seen} == {"2024-02-08"}


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, "neither is set"),
        ({"api_key": "a", "organization_key": "b:c"}, "both are set"),
        ({"organization_key": "b"}, "must be user:password"),
        ({"api_key": "a b"}, "must not contain spaces"),
        ({"api_key": "a", "base_url": "ftp://x"}, "such as https://app.polytomic.com"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, str], shown: str) -> None:
    with pytest.raises((ResourceError, CheckError), match=shown):
        configure_client(package(), settings, "test", lambda _: None)


@pytest.mark.parametrize(
    ("steps", "shown", "calls"),
    [
        ([answer(400, {"message": "bad"})], ["bad (400). Check `connection_id` and `query`"], 1),
        ([answer(401, {"message": f"key {KEY}"})], ["key ******** (401)", "POLYTOMIC_ORGANIZATION_KEY"], 1),
        ([answer(404, {})], ["answered 404", "there must be such a connection"], 1),
        ([answer(414, "")], ["414", "shorten it"], 1),
        ([answer(500, {})], ["500", "look whether it did before you run it again"], 1),
        ([reset], ["The API may have carried out POST", "If the SQL writes"], 1),
        ([answer(200, {"data": {"status": "created"}})], ["QueryTask is not as documented: id"], 1),
        ([CREATED, task("failed", error=f"no table in {SQL}")], [f"query {ID} failed: no table in (the query)"], 2),
        ([CREATED, task("failed", error=None)], ["failed: the API gives no reason"], 2),
        ([CREATED, answer(403, {})], ["does not return query", "only the user who created the query"], 2),
    ],
)
def test_each_failure_says_what_happened_and_what_to_do(steps: list[Step], shown: list[str], calls: int) -> None:
    with pytest.raises(ResourceError) as caught:
        run(steps)
    assert [text for text in shown if text not in str(caught.value)] == [], str(caught.value)
    assert "not-to-be-shown" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_results_that_are_gone_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resourcekit.http.polling._UNSEEN_SECONDS", 0.3)
    with pytest.raises(ResourceError, match="Results expire, and only the user who created the query can fetch them"):
        run([CREATED, answer(404, {})])


def test_a_wait_ends_with_its_time_and_with_a_cancellation() -> None:
    with pytest.raises(ResourceError, match=r"still running after 1 s.*raise `timeout_seconds`"):
        run([CREATED, task("running")], timeout_seconds=1)
    cancel = threading.Event()
    threading.Timer(0.4, cancel.set).start()
    with pytest.raises(CancelledError):
        run([CREATED, task("running")], cancel=cancel)


def test_missing_rows_and_a_long_query_are_reported() -> None:
    warnings: list[str] = []
    result, _ = run([CREATED, task("done", count=3, results=[{}])], warnings=warnings, query=f"SELECT {'1' * 8000}")
    assert result.fields == []
    assert warnings == [
        "query: the SQL takes 8007 characters of the URL. Servers and proxies may refuse so long a URL",
        ": the API returned 1 of 3 rows",
    ]


def test_arguments_are_checked_in_the_plan() -> None:
    found = validate_declaration(GetQuery(), {"connection_id": "x", "query": " ", "timeout_seconds": 0})
    assert {failure.property for failure in found.failures} == {"connection_id", "query", "timeout_seconds"}
