"""Authorization header, scopes, rate limit, routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controlplane.http.auth import bearer_token
from controlplane.http.bodies import parse_json
from controlplane.http.calls import Call, Operation
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal, key_preview
from controlplane.http.rate_limit import RateLimiter
from controlplane.http.replies import Reply
from controlplane.http.routing import Routes

NOON = datetime(2026, 2, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("header", ["Bearer pk_live_1", "bearer pk_live_1", "  Bearer pk_live_1 "])
def test_a_bearer_token_is_read(header: str) -> None:
    assert bearer_token(header) == "pk_live_1"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_authorization"),
        ("", "missing_authorization"),
        ("pk_live_1", "malformed_authorization"),
        ("Basic abc", "malformed_authorization"),
        ("Bearer", "malformed_authorization"),
        ("Bearer two words", "malformed_authorization"),
    ],
)
def test_a_missing_or_malformed_header_is_a_401(header: str | None, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        bearer_token(header)
    assert (caught.value.status, caught.value.code) == (401, code)
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def principal(*scopes: str) -> Principal:
    return Principal(1, "", 1, 1, (1,), frozenset(scopes), 0)


@pytest.mark.parametrize(
    ("held", "needed", "granted"),
    [
        ("databases:read", "databases:read", True),
        ("databases:write", "databases:read", False),
        ("databases:*", "databases:read", True),
        ("databases:*", "databases:write", True),
        ("databases:*", "blueprints:read", False),
        ("blueprints:*", "blueprints:read", False),
    ],
)
def test_scopes(held: str, needed: str, granted: bool) -> None:
    assert principal(held).has_scope(needed) is granted


def test_a_preview_shows_the_last_four() -> None:
    assert key_preview("pk_live_secretsecreta1b2") == "pk_live_••••••••a1b2"


def test_the_window_slides() -> None:
    limiter = RateLimiter()
    limiter.admit(1, 2, NOON)
    limiter.admit(1, 2, NOON + timedelta(seconds=20))
    with pytest.raises(ApiError) as caught:
        limiter.admit(1, 2, NOON + timedelta(seconds=30.5))
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    assert caught.value.headers == {"Retry-After": "30"}
    limiter.admit(1, 2, NOON + timedelta(seconds=60))
    with pytest.raises(ApiError):
        limiter.admit(1, 2, NOON + timedelta(seconds=61))


def test_each_key_has_its_own_window_and_zero_is_no_limit() -> None:
    limiter = RateLimiter()
    limiter.admit(1, 1, NOON)
    limiter.admit(2, 1, NOON)
    for _ in range(500):
        limiter.admit(3, 0, NOON)


async def handler(_: Call) -> Reply:
    return Reply(200, {})


ROUTES = Routes(
    [
        Operation("GET", "/things", "list", (), handler),
        Operation("POST", "/things", "create", (), handler),
        Operation("GET", "/things/{uuid}", "get", (), handler),
    ]
)


def test_a_route_gives_the_operation_and_its_parameters() -> None:
    match = ROUTES.match("GET", "/things/abc")
    assert (match.operation.operation_id, match.path_parameters) == ("get", {"uuid": "abc"})


@pytest.mark.parametrize("path", ["/", "/thing", "/things/", "/things/a/b", "/THINGS"])
def test_an_unknown_path_is_a_404(path: str) -> None:
    with pytest.raises(ApiError) as caught:
        ROUTES.match("GET", path)
    assert caught.value.status == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
def test_another_method_is_a_405_that_says_which(method: str) -> None:
    with pytest.raises(ApiError) as caught:
        ROUTES.match(method, "/things")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "GET, POST"})


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b'{"a": -Infinity}', b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_not_json_is_a_400(raw: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        parse_json(raw)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")
