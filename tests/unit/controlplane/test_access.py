"""Authorization header, scopes, rate limit, routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controlplane.http.auth import bearer_token
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError
from controlplane.http.key_policy import is_ip_allowed
from controlplane.http.principal import Principal, key_preview
from controlplane.http.rate_limit import Usage, admit, next_month
from controlplane.http.responses import ApiResponse
from controlplane.http.routing import Routes
from controlplane.http.validation import parse_json

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
    return Principal(1, "", 1, 1, (1,), frozenset(scopes), 0, None)


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


@pytest.mark.parametrize(
    ("key", "preview"),
    [
        ("pk_live_secretsecreta1b2", "pk_live_••••••••a1b2"),
        ("sk_test_secretsecreta1b2", "••••••••a1b2"),
        ("pk_live_short", "pk_live_••••••••"),
        ("sk_short", "••••••••"),
    ],
)
def test_a_preview_shows_the_last_four_of_a_long_key(key: str, preview: str) -> None:
    assert key_preview(key) == preview


def used(*seconds: float, per_minute: int = 2, monthly_quota: int | None = None) -> Usage:
    """The usage after requests so many seconds after noon."""
    usage = Usage()
    for second in seconds:
        usage = admit(usage, NOON + timedelta(seconds=second), per_minute=per_minute, monthly_quota=monthly_quota)
    return usage


def test_the_window_slides() -> None:
    with pytest.raises(ApiError) as caught:
        used(0, 20, 30.5)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    assert caught.value.headers == {"Retry-After": "30"}
    assert used(0, 20, 60).in_minute == 2
    with pytest.raises(ApiError):
        used(0, 20, 60, 61)


def test_zero_is_no_limit_and_a_clock_put_back_owes_nothing() -> None:
    assert used(*[0] * 500, per_minute=0).in_minute == 500
    assert used(100, 100, 0, 0).in_minute == 2


def test_the_month_is_counted_apart() -> None:
    with pytest.raises(ApiError) as caught:
        used(0, 100, 200, monthly_quota=2)
    assert caught.value.code == "monthly_quota_exceeded"
    assert used(0, 100, 40 * 86400, monthly_quota=2).month_count == 1


@pytest.mark.parametrize(
    ("now", "begins"),
    [("2026-12-31T23:59:59+00:00", "2027-01-01"), ("2028-02-01T00:00:00+00:00", "2028-03-01"),
     ("2026-07-01T01:00:00+02:00", "2026-07-01")],
)  # fmt: skip
def test_months_are_those_of_utc(now: str, begins: str) -> None:
    assert next_month(datetime.fromisoformat(now)) == datetime.fromisoformat(f"{begins}T00:00:00+00:00")


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("192.0.2.1", [], True),
        (None, [], True),
        (None, ["0.0.0.0/0"], False),
        ("192.0.2.1", ["192.0.2.1/32"], True),
        ("::ffff:192.0.2.1", ["192.0.2.0/24"], True),
        ("192.0.2.1", ["2001:db8::/32", "198.51.100.0/24"], False),
        ("2001:db8::5", ["2001:db8::/32"], True),
    ],
)
def test_allowed_addresses(address: str | None, networks: list[str], allowed: bool) -> None:
    assert is_ip_allowed(address, networks) is allowed


async def handler(_: RequestContext) -> ApiResponse:
    return ApiResponse(200, {})


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
