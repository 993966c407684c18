"""What is sent again and what is not, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polykomos.client import (
    ApiError,
    Client,
    ClientCancelledError,
    IdempotencyConflictError,
    NotFoundError,
    RateLimitedError,
    RequestOptions,
    ServerError,
    TransportError,
    UnknownOutcomeError,
)
from polykomos.client.api import RETRY
from resourcekit.http.retry import (
    RetrySafety,
    TransportFailure,
    backoff,
    decide_on_failure,
    decide_on_response,
    retry_after,
)
from support.scripted_server import ScriptedServer, Step, answer, error, hang_up

KEY = "pk_live_0123456789abcdef"
NOW = datetime(2026, 2, 10, 14, 0, 0, tzinfo=UTC)
UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
DATABASE = {"uuid": UUID, "name": "orders"}
DONE = answer(200, {"data": DATABASE})
BLUEPRINT = answer(200, {"data": {"uuid": UUID, "name": "b"}})


def client(server: ScriptedServer, seconds: float = 20) -> Client:
    return Client(base_url=server.base_url, api_key=KEY).with_options(RequestOptions(time.monotonic() + seconds))


@pytest.mark.parametrize(
    "first",
    [
        hang_up,
        answer(200, {"data": DATABASE}, cut=5),
        answer(200, "<html>"),
        error(429, "rate_limit_exceeded", Retry_After="0"),
        error(500, "internal_error"),
        error(502, ""),
        error(503, ""),
        error(504, ""),
        answer(502, "<html>bad gateway</html>"),
        error(409, "idempotency_key_in_progress"),
    ],
)
def test_a_keyed_call_is_repeated_with_the_same_key(first: Step) -> None:
    with ScriptedServer([first, DONE]) as server:
        client(server).rename_database(UUID, "orders")
        one, two = server.seen
        assert one.headers["idempotency-key"] == two.headers["idempotency-key"]
        assert str(uuid.UUID(one.headers["idempotency-key"])) == one.headers["idempotency-key"], "hyphenated (C9)"
        assert one.body == two.body == {"name": "orders"}


KEYED: list[Callable[[Client], Any]] = [
    lambda c: c.create_database(name="a"),
    lambda c: c.rename_database(UUID, "a"),
    lambda c: c.update_quotas(UUID, {"connection_hard_limit": None}),
    lambda c: c.delete_database(UUID),
    lambda c: c.apply_blueprint(UUID, blueprint_uuid=UUID),
    lambda c: c.create_webhook_endpoint(url="https://x"),
    lambda c: c.revoke_webhook_endpoint(7),
    lambda c: c.create_blueprint(name="a", sql_content="SELECT 1"),
]
KEYLESS: list[Callable[[Client], Any]] = [
    lambda c: c.get_database(UUID),
    lambda c: c.update_blueprint(UUID, {"name": "a"}),
    lambda c: c.delete_blueprint(UUID),
    lambda c: c.validate_blueprint("SELECT 1"),
    lambda c: c.test_webhook_endpoint(7),
    lambda c: c.run_query(UUID, "how many"),
]


@pytest.mark.parametrize("call", KEYED + KEYLESS)
def test_exactly_the_eight_keyed_operations_carry_a_key(call: Callable[[Client], Any]) -> None:
    with ScriptedServer([error(404, "not_found")]) as server:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                call(client(server))
        keys = [seen.headers.get("idempotency-key") for seen in server.seen]
        assert all(keys) is (call in KEYED)
        assert len(set(keys)) == (2 if call in KEYED else 1), "a fresh one for each call"


@pytest.mark.parametrize("first", [hang_up, answer(200, {}, cut=1), error(500, "internal_error"), error(503, "")])
@pytest.mark.parametrize("call", KEYLESS[1:2] + KEYLESS[4:])
def test_an_unsafe_call_is_never_repeated_blindly(first: Step, call: Callable[[Client], Any]) -> None:
    with ScriptedServer([first, BLUEPRINT]) as server:
        with pytest.raises((UnknownOutcomeError, ServerError)):
            call(client(server))
        assert len(server.seen) == 1


@pytest.mark.parametrize("first", [hang_up, error(500, "internal_error"), error(503, "")])
def test_a_delete_without_a_key_is_repeated(first: Step) -> None:
    with ScriptedServer([first, error(404, "not_found")]) as server:
        with pytest.raises(NotFoundError):
            client(server).delete_blueprint(UUID)
        assert len(server.seen) == 2


def test_an_unsafe_call_that_was_refused_unseen_is_repeated() -> None:
    with ScriptedServer([error(429, "rate_limit_exceeded", Retry_After="0"), BLUEPRINT]) as server:
        client(server).update_blueprint(UUID, {"name": "b"})
        assert len(server.seen) == 2


def test_retry_after_is_waited_for_and_bounded_by_the_deadline() -> None:
    with ScriptedServer([error(429, "rate_limit_exceeded", Retry_After="1"), DONE]) as server:
        began = time.monotonic()
        client(server).get_database(UUID)
        assert time.monotonic() - began >= 1
    with ScriptedServer([error(429, "rate_limit_exceeded", Retry_After="60")]) as server:
        with pytest.raises(RateLimitedError):
            client(server, seconds=1).get_database(UUID)
        assert len(server.seen) == 1


def test_cancel_ends_the_pause_at_once() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with ScriptedServer([error(429, "rate_limit_exceeded", Retry_After="30")]) as server:
        bound = Client(base_url=server.base_url, api_key=KEY).with_options(RequestOptions(time.monotonic() + 60, stop))
        began = time.monotonic()
        with pytest.raises(ClientCancelledError):
            bound.get_database(UUID)
        assert time.monotonic() - began < 20


def test_a_refused_connection_is_reported_with_the_address_and_the_attempts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    bound = Client(base_url=f"http://127.0.0.1:{port}/api/v1", api_key=KEY).with_options(
        RequestOptions(time.monotonic() + 1)
    )
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:\d+.*attempts in"):
        bound.get_database(UUID)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "not_found", NotFoundError),
        (409, "idempotency_key_conflict", IdempotencyConflictError),
        (418, "", ApiError),
    ],
)
def test_other_errors_are_raised_at_once(status: int, code: str, kind: type[ApiError]) -> None:
    with ScriptedServer([error(status, code)]) as server:
        with pytest.raises(kind) as raised:
            client(server).get_database(UUID)
        assert (raised.value.status, raised.value.code, raised.value.request_id) == (status, code, "req_1")
        assert len(server.seen) == 1


@given(st.integers(100, 599), st.sampled_from(["", "internal_error", "not_found", "query_execution_failed"]))
def test_an_unsafe_call_is_only_repeated_when_it_was_not_carried_out(status: int, code: str) -> None:
    verdict = decide_on_response(status, code, {}, RetrySafety.UNSAFE, NOW, RETRY)
    assert verdict.retry is (status == 429 and code != "query_execution_failed")


def test_decisions_on_lost_answers() -> None:
    assert decide_on_failure(TransportFailure.NEVER_SENT, RetrySafety.UNSAFE).retry
    assert not decide_on_failure(TransportFailure.UNKNOWN, RetrySafety.UNSAFE).retry
    assert decide_on_failure(TransportFailure.UNKNOWN, RetrySafety.KEYED).retry
    assert not decide_on_response(429, "monthly_quota_exceeded", {}, RetrySafety.SAFE, NOW, RETRY).retry


@given(st.integers(1, 10_000))
def test_backoff_is_full_jitter_under_a_growing_cap(attempt: int) -> None:
    assert 0 <= backoff(attempt) <= 15
    assert backoff(attempt, lambda low, high: high) == min(15, 0.25 * 2 ** min(attempt, 16))
    assert backoff(attempt, lambda low, high: low) == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("60", 60.0),
        (" 0 ", 0.0),
        ("-5", 0.0),
        ("Tue, 10 Feb 2026 14:00:30 GMT", 30.0),
        ("Tue, 10 Feb 2026 13:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


REPLAY = answer(200, {"data": DATABASE, "idempotency_replay": True})


@pytest.mark.parametrize(
    ("steps", "resent"),
    [
        ([REPLAY], False),
        ([error(429, "rate_limit_exceeded", Retry_After="0"), REPLAY], False),
        ([error(409, "idempotency_key_in_progress"), REPLAY], False),
        ([hang_up, REPLAY], True),
        ([answer(200, "<html>"), REPLAY], True),
        ([error(500, "internal_error"), REPLAY], True),
        ([hang_up, error(409, "idempotency_key_in_progress"), REPLAY], True),
    ],
)
def test_a_replay_tells_whether_it_may_be_of_this_very_call(steps: list[Step], resent: bool) -> None:
    with ScriptedServer(steps) as server:
        written = client(server).create_database(name="orders")
    assert (written.replayed, written.was_retried) == (True, resent)


@pytest.mark.parametrize("where", ["body", "error"])
def test_an_error_tells_that_it_is_a_replay(where: str) -> None:
    told: dict[str, Any] = {"code": "database_not_active", "message": "Not yet.", "details": {}}
    body: dict[str, Any] = {"error": told, "request_id": "req_1"}
    (body if where == "body" else told)["idempotency_replay"] = True
    with ScriptedServer([answer(422, body), error(422, "database_not_active")]) as server:
        for replayed in (True, False):
            with pytest.raises(ApiError) as refused:
                client(server).apply_blueprint(UUID, blueprint_uuid=UUID)
            assert refused.value.replayed is replayed
