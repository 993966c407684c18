"""The rate limit of a key (api-facts "Rate limit", S35)."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import httpx
import pytest

from support import parity, server_admin
from support.control_plane import OTHER_KEY, ControlPlane, wait_until
from support.operations import BY_NAME, OPERATIONS, Operation, error_of

LIMIT = 5


@pytest.fixture
def limited() -> Iterator[ControlPlane]:
    arguments = ["--ephemeral", "--rate-limit", str(LIMIT), "--pool-size", "0"]
    with ControlPlane(*arguments) as plane:
        yield plane


@pytest.fixture(scope="module")
def exhausted() -> Iterator[ControlPlane]:
    """Whose key has had its calls of this minute, which does not end."""
    with ControlPlane("--ephemeral", "--rate-limit", "1", "--pool-size", "0") as plane, plane.client() as client:
        plane.freeze()
        assert client.get("/me").status_code == 200
        yield plane


def refusal(reply: httpx.Response) -> None:
    assert error_of(reply, 429, "rate_limit_exceeded") == {}
    assert reply.headers["Retry-After"].isdecimal()
    assert 1 <= int(reply.headers["Retry-After"]) <= 60


@pytest.mark.facts("errors:429", "rate:retry-after", "keys:requests-per-minute")
def test_the_first_calls_pass_and_the_next_gets_retry_after(limited: ControlPlane) -> None:
    with limited.client() as client:
        assert client.get("/me").json()["data"]["api_key"]["controls"]["requests_per_minute"] == LIMIT
        replies = [client.get("/me") for _ in range(LIMIT + 2)]
    assert [reply.status_code for reply in replies] == [200] * (LIMIT - 1) + [429] * 3
    for reply in replies[LIMIT - 1 :]:
        refusal(reply)


def test_calls_at_the_same_time_are_all_counted(limited: ControlPlane) -> None:
    with limited.client() as client, concurrent.futures.ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(lambda _: client.get("/me").status_code, range(4 * LIMIT)))
    assert sorted(codes) == [200] * LIMIT + [429] * (3 * LIMIT)


def test_a_call_counts_in_the_second_of_its_turn(limited: ControlPlane) -> None:
    """Not of its arrival: those that it waited for would be in the future then, and not count."""
    limited.freeze()
    with (
        limited.client() as client,
        server_admin.connect(limited) as conn,
        concurrent.futures.ThreadPoolExecutor(1) as threads,
    ):
        client.get("/me")
        with conn.transaction():
            conn.execute("SELECT FROM key_usage FOR UPDATE")
            waiting = threads.submit(client.get, "/me")
            wait_until(lambda: conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall())
            limited.advance(7)
        assert waiting.result().status_code == 200
        (seconds,) = conn.execute("SELECT seconds FROM key_usage").fetchone() or ()
        assert [at - seconds[0] for at in seconds] == [0, 7]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_rate_limit_refuses_every_operation_without_effect(exhausted: ControlPlane, operation: Operation) -> None:
    with exhausted.client() as client:
        refusal(operation.call(client))


@pytest.mark.facts("S35")
@pytest.mark.parametrize(("method", "path"), [("GET", "/nope"), ("PUT", "/databases"), ("POST", "/databases")])
def test_the_rate_limit_is_checked_before_route_idempotency_key_and_body(
    exhausted: ControlPlane, method: str, path: str
) -> None:
    with exhausted.client() as client:
        refusal(client.request(method, path, content="{"))


@pytest.mark.facts("S35")
def test_the_rate_limit_is_checked_after_authentication(exhausted: ControlPlane) -> None:
    with exhausted.client("pk_live_nobody_has_this_0000") as client:
        error_of(client.get("/me"), 403, "invalid_api_key")
    with httpx.Client(base_url=exhausted.base_url, trust_env=False, event_hooks=parity.hooks()) as client:
        error_of(client.get("/me"), 401, "missing_authorization")


@pytest.mark.facts("rate:per-key")
def test_one_key_does_not_pay_for_another(exhausted: ControlPlane) -> None:
    with exhausted.client(OTHER_KEY) as client:
        assert [client.get("/me").status_code for _ in range(20)] == [200] * 20
        assert client.get("/databases").json()["data"] == []


@pytest.mark.facts("C11")
def test_a_refused_call_leaves_its_idempotency_key_unused(limited: ControlPlane) -> None:
    create = BY_NAME["createDatabase"]
    header = {"Idempotency-Key": "once"}
    with limited.client() as client:
        for _ in range(LIMIT):
            client.get("/me")
        refusal(create.call(client, headers=header))
    limited.advance(60)
    with limited.client() as client:
        reply = create.call(client, headers=header)
        assert reply.status_code in (201, 202), reply.text
        assert "idempotency_replay" not in reply.json()
