"""What comes of answers that no one would wish for: strange, hostile, lost, late or wordy ones."""

from __future__ import annotations

import logging
import socket
import string
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polykomos.client import (
    ApiError,
    Client,
    ConfigurationError,
    ConflictError,
    DeadlineExceededError,
    ForbiddenError,
    IdempotencyInProgressError,
    InvalidRequestError,
    NotFoundError,
    PolykomosError,
    RateLimitedError,
    RequestOptions,
    Secret,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
    redact,
)
from polykomos.client.api import RETRY
from polykomos.client.errors import error_class
from resourcekit.http.retry import RetrySafety, decide_on_response, retry_after
from support.scripted_server import ScriptedServer, Step, answer, error, hang_up, late, reset

KEY = "pk_live_0123456789abcdef"
UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
NOW = datetime(2026, 2, 10, 14, 0, 0, tzinfo=UTC)
DONE = answer(200, {"data": {"uuid": UUID, "name": "orders"}})


def client(server: ScriptedServer, seconds: float = 0.0) -> Client:
    """seconds: 0 gives each call its one attempt alone."""
    return Client(base_url=server.base_url, api_key=KEY).with_options(RequestOptions(time.monotonic() + seconds))


@pytest.mark.parametrize("body", [{"data": 5}, {"data": "abc"}, {"data": {"uuid": UUID}}, {"data": [5]}])
@pytest.mark.parametrize("call", [lambda c: list(c.iter_databases()), lambda c: c.list_database_types()])
def test_a_response_that_is_not_a_list_is_an_error(body: Any, call: Callable[[Client], Any]) -> None:
    with ScriptedServer([answer(200, body)]) as server, pytest.raises(TransportError, match="not as documented"):
        call(client(server))


@pytest.mark.parametrize("body", ["", "null", "[]", "[" * 100_000, '{"data":', "\x00", "<html></html>"])
def test_a_response_that_is_not_a_json_object_is_an_error(body: str) -> None:
    with ScriptedServer([answer(200, body)]) as server:
        with pytest.raises(TransportError, match="GET /me was not a JSON object"):
            client(server).get_account()
        with pytest.raises(UnknownOutcomeError, match="The API may have carried out PATCH /blueprints/b"):
            client(server).update_blueprint("b", {"name": "a"})


@pytest.mark.parametrize("lost", [hang_up, reset, answer(200, {"data": {}}, cut=3)])
def test_a_lost_response_to_an_unsafe_call_is_an_unknown_outcome(lost: Step) -> None:
    with ScriptedServer([lost, DONE]) as server:
        with pytest.raises(UnknownOutcomeError, match="The API may have carried out"):
            client(server, 20).run_query(UUID, "how many")
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("message", "errors", "shown"),
    [
        ("X: Y", ["X: Y"], "X: Y (422"),
        ("a; b", ["a", "b"], "a; b (422"),
        ("The SQL is not valid.", ["a", "b"], "The SQL is not valid: a; b (422"),
        ("The SQL is not valid: a.", ["a", "b"], "The SQL is not valid: a: b (422"),
        ("A word", ["word", "a"], "A word: a (422"),
        ("m", [], "m (422"),
        ("m", "no list", "m (422"),
    ],
)
def test_the_message_of_the_api_is_shown_once(message: str, errors: Any, shown: str) -> None:
    assert str(InvalidRequestError(422, "invalid_sql", message, {"errors": errors})).startswith(shown)


def test_a_read_is_retried_after_a_reset() -> None:
    with ScriptedServer([reset, DONE]) as server:
        assert client(server, 20).get_database(UUID).name == "orders"


def test_a_late_answer_is_waited_for() -> None:
    ready = threading.Event()
    threading.Timer(0.3, ready.set).start()
    with ScriptedServer([late(DONE, ready)]) as server:
        assert client(server).get_database(UUID).name == "orders"
        assert len(server.seen) == 1


def test_a_date_in_retry_after_is_waited_for_and_bounded_by_the_deadline() -> None:
    for date, requests in [("Tue, 10 Feb 2015 14:00:00 GMT", 2), ("Tue, 10 Feb 2099 14:00:00 GMT", 1)]:
        with ScriptedServer([error(429, "rate_limit_exceeded", Retry_After=date), error(404, "not_found")]) as server:
            with pytest.raises(RateLimitedError if requests == 1 else NotFoundError):
                client(server, 20).get_database(UUID)
            assert len(server.seen) == requests


@given(st.one_of(st.text(string.printable), st.integers().map(str), st.from_regex(r"Tue, \d+ Feb \d+ \d+:\d+ [+-]\d+")))
def test_no_retry_after_breaks_a_call(header: str) -> None:
    found = retry_after(header, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize("header", ["9" * 400, "9" * 5000, f"Tue, 10 Feb {'9' * 30} 14:00:30 GMT"])
def test_a_retry_after_beyond_all_numbers_asks_for_nothing(header: str) -> None:
    assert retry_after(header, NOW) is None


@given(st.integers(400, 599), st.text(), st.sampled_from(RetrySafety))
def test_only_an_unanswered_or_refused_call_is_repeated(status: int, code: str, safety: RetrySafety) -> None:
    verdict = decide_on_response(status, code, {}, safety, NOW, RETRY)
    if verdict.retry:
        assert status in (429, 500, 502, 503, 504) or code == "idempotency_key_in_progress"
        assert status == 429 or safety is not RetrySafety.UNSAFE
    assert verdict.wait is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_json", InvalidRequestError),
        (401, "missing_authorization", UnauthorizedError),
        (403, "insufficient_scope", ForbiddenError),
        (404, "not_found", NotFoundError),
        (409, "database_not_active", ConflictError),
        (409, "idempotency_key_in_progress", IdempotencyInProgressError),
        (422, "invalid_field", InvalidRequestError),
        (429, "monthly_quota_exceeded", RateLimitedError),
        (500, "query_execution_failed", ServerError),
        (599, "", ServerError),
        (302, "", ApiError),
    ],
)
def test_each_answer_has_its_error(status: int, code: str, kind: type[ApiError]) -> None:
    assert error_class(status, code) is kind
    with ScriptedServer([error(status, code, Location="http://127.0.0.1:1/")]) as server:
        with pytest.raises(kind) as raised:
            client(server).get_account()
        assert (type(raised.value), raised.value.status, raised.value.code) == (kind, status, code)
        assert len(server.seen) == 1, "no redirect is followed: it would take the key along"


def test_an_errors_text_says_what_why_and_who_to_ask() -> None:
    details = {"field": "region", "allowed": ["eu", "us"], "errors": ["first", "second"]}
    told = ApiError(422, "invalid_field", "No such region.", details, "req_1")
    assert str(told) == "No such region: first; second (422, invalid_field, field region, allowed: eu, us, req_1)"
    assert str(ApiError(502, "", "Bad gateway")) == "Bad gateway (502)"


@pytest.mark.parametrize(
    "body", ["<html>", "null", "[]", '{"error": "x"}', '{"error": {"code": 5, "message": [], "details": "x"}}']
)
def test_an_error_without_the_apis_form_is_one_all_the_same(body: str) -> None:
    with (
        ScriptedServer([answer(403, body, X_Request_Id="req_header")]) as server,
        pytest.raises(ForbiddenError, match="the API answered 403 Scripted") as raised,
    ):
        client(server).get_account()
    assert (raised.value.request_id, raised.value.details) == ("req_header", {})


def test_no_place_of_an_error_shows_an_echoed_secret(caplog: pytest.LogCaptureFixture) -> None:
    details = {"field": KEY, "allowed": [f"Bearer {KEY}"], "errors": ["whsec_abc", {KEY: f"is {KEY}"}], "n": 1}
    body = {"error": {"code": KEY, "message": KEY, "details": details}, "request_id": KEY}
    caplog.set_level(logging.DEBUG, "polykomos.client")
    with ScriptedServer([answer(422, body, X_Request_Id=KEY)]) as server, pytest.raises(InvalidRequestError) as raised:
        client(server).get_account()
    error = raised.value
    shown = f"{error} {error!r} {error.args} {error.details} {error.code} {error.field} {error.request_id}"
    logged = [record.getMessage() for record in caplog.records if record.name == "polykomos.client"]
    assert len(logged) == 1
    assert KEY not in shown + logged[0]
    assert "whsec_abc" not in shown
    assert error.details["n"] == 1, "the rest is as it was"


@given(st.text("ab", min_size=1), st.text("cd", min_size=1), st.booleans())
def test_masking_leaves_no_end_of_a_secret_that_begins_like_another(short: str, end: str, short_first: bool) -> None:
    secrets = [short, short + end] if short_first else [short + end, short]
    assert redact(f"<{short + end}> <{short}>", ["", *secrets]) == "<********> <********>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key pk_live_abc-1_2.", "key pk_live_********."),
        ("postgresql://u1:p%40ss@db:5432/x", "postgresql://u1:********@db:5432/x"),
        ("see https://polykomos.com:443/api/v1", "see https://polykomos.com:443/api/v1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_masked_unasked(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_a_secret_is_shown_to_those_alone_who_ask() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret == Secret("hunter2") != Secret("other")
    assert len({secret, Secret("hunter2")}) == 1


@pytest.mark.parametrize("uuid", ["", ".", ".."])
def test_what_is_no_id_reaches_no_other_path(uuid: str) -> None:
    with ScriptedServer([DONE]) as server:
        for call in (client(server).get_database, client(server).delete_database, client(server).delete_blueprint):
            with pytest.raises(ConfigurationError, match="is not an id"):
                call(uuid)
        assert server.seen == []


def test_values_that_json_or_a_header_cannot_contain_are_rejected() -> None:
    with ScriptedServer([DONE]) as server:
        with pytest.raises(PolykomosError, match=r"PATCH /databases/d/quotas cannot be sent"):
            client(server).update_quotas("d", {"storage_hard_limit_gb": float("nan")})
        with pytest.raises(PolykomosError, match="cannot be sent"):
            client(server).rename_database("d", "\ud800")
        with pytest.raises(PolykomosError, match="cannot be sent"):
            client(server).delete_database("d", idempotency_key="\N{SNOWMAN}")
        assert server.seen == []


def test_a_wait_reads_until_it_is_done_or_something_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resourcekit.http.polling._UNSEEN_SECONDS", 0.5)
    with ScriptedServer([error(404, "not_found")]) as server, pytest.raises(NotFoundError):
        client(server).wait_for_database(UUID, timeout=5)
    running = answer(200, {"data": {"id": 7, "status": "running"}})
    with (
        ScriptedServer([running]) as server,
        pytest.raises(DeadlineExceededError, match="application 7 is still running"),
    ):
        client(server).wait_for_application(7, timeout=2)
    assert {seen.path for seen in server.seen} == {"/api/v1/blueprint_applications/7"}


def test_bounds_share_the_connections_but_not_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}/api/v1", api_key=KEY) as whole:
        with pytest.raises(TransportError) as raised:
            whole.with_options(RequestOptions(time.monotonic() - 1)).get_account()
        assert "attempts" not in str(raised.value), "a deadline that has passed leaves the one attempt"
        stop = threading.Event()
        stop.set()
        with pytest.raises(PolykomosError, match="cancelled before a retry: no answer from"):
            whole.with_options(RequestOptions(cancel=stop)).get_account()
