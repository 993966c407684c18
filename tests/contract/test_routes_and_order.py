"""Paths, methods, the envelope, and which check comes first (api-facts section 1, S35, S40)."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import httpx
import pytest

from support.control_plane import NO_SCOPE_KEY, ControlPlane, new_key
from support.operations import BY_NAME, OPERATIONS, WITH_PATH_ID, Operation, check_envelope, error_of, everything

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = sorted({operation.path for operation in OPERATIONS})
WRONG = [
    (path, method)
    for path in PATHS
    for method in METHODS
    if method not in {operation.method for operation in OPERATIONS if operation.path == path}
]


def url(path: str) -> str:
    return next(operation for operation in OPERATIONS if operation.path == path).url()


@pytest.mark.facts("errors:405", "S40")
@pytest.mark.parametrize(("path", "method"), WRONG)
def test_a_wrong_method_is_405_with_the_right_ones(api: httpx.Client, path: str, method: str) -> None:
    reply = api.request(method, url(path))
    assert reply.status_code == 405
    allowed = {name.strip() for name in reply.headers["Allow"].split(",")}
    assert allowed == {operation.method for operation in OPERATIONS if operation.path == path}
    assert not [name for name in reply.headers if name.startswith("access-control")]
    if method == "HEAD":
        assert not reply.content
    else:
        error_of(reply, 405, "method_not_allowed")


@pytest.mark.facts("errors:404", "C22")
@pytest.mark.parametrize("path", ["/", "/nope", "/databases/", "/databases/x/y/z", "/me/", "/Databases", "//databases"])
def test_an_unknown_path_is_404(api: httpx.Client, path: str) -> None:
    error_of(api.get(path), 404, "not_found")


def test_below_no_version_there_is_nothing(control_plane: ControlPlane) -> None:
    with control_plane.client(base_url=control_plane.origin) as client:
        for path in ("/api/v2/me", "/api/me", "/me", "/docs", "/redoc"):
            assert client.get(path).status_code == 404, path


@pytest.mark.facts("transport:envelope", "transport:request-id", "C22")
@pytest.mark.parametrize("name", ["getMe", "getDatabaseTypes", "listDatabases", "listBlueprints"])
def test_a_success_has_the_envelope(api: httpx.Client, name: str) -> None:
    reply = BY_NAME[name].call(api)
    assert reply.status_code == 200
    check_envelope(reply)
    paged = {"has_more"} if name.startswith("list") else set()
    assert reply.json().keys() == {"data", "request_id"} | paged


@pytest.mark.facts("transport:request-id")
def test_each_call_has_its_own_request_id(api: httpx.Client) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(lambda _: api.get("/me"), range(40)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.json()["request_id"] for reply in replies}) == len(replies)


@pytest.mark.facts("errors:404")
@pytest.mark.parametrize("operation", WITH_PATH_ID, ids=str)
def test_an_absent_object_is_404(api: httpx.Client, operation: Operation) -> None:
    before = everything(api)
    error_of(operation.call(api), 404, "not_found")
    assert everything(api) == before


MALFORMED = ["x", "1.5", "-1", "0", "%20", "%00", "..%2f..%2fme", "9" * 30, "%F0%9F%98%80", "'%20OR%201=1", "null"]


@pytest.mark.facts("transport:path-id")
@pytest.mark.parametrize("operation", WITH_PATH_ID, ids=str)
def test_a_malformed_id_is_404(api: httpx.Client, operation: Operation) -> None:
    for bad in MALFORMED:
        error_of(operation.call(api, bad), 404, "not_found")


def first_failure(client: httpx.Client, faults: set[str]) -> tuple[int, str]:
    """PATCH of a database that has all these faults at once."""
    headers: dict[str, str] = {} if "idempotency" in faults else new_key()
    if "authorization" in faults:
        headers["Authorization"] = ""
    if "key" in faults:
        headers["Authorization"] = "Bearer pk_live_nobody_has_this_0000"
    if "scope" in faults:
        headers["Authorization"] = f"Bearer {NO_SCOPE_KEY}"
    method = "PUT" if "method" in faults else "PATCH"
    body: dict[str, Any] = {"content": "{" if "json" in faults else '{"name": 5}'}
    reply = client.request(method, BY_NAME["updateDatabase"].url(), headers=headers, **body)
    return reply.status_code, reply.json()["error"]["code"]


@pytest.mark.facts("S35")
@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"authorization", "method", "json", "idempotency"}, 401, "missing_authorization"),
        ({"key", "method", "json", "idempotency"}, 403, "invalid_api_key"),
        ({"method", "scope", "json", "idempotency"}, 405, "method_not_allowed"),
        ({"scope", "json", "idempotency"}, 403, "insufficient_scope"),
        ({"json", "idempotency"}, 400, "invalid_json"),
        ({"idempotency"}, 422, "missing_required_field"),
        (set(), 404, "not_found"),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else None,
)
def test_the_first_check_that_fails_answers(api: httpx.Client, faults: set[str], status: int, code: str) -> None:
    before = everything(api)
    answered = first_failure(api, faults)
    # An empty header may count as missing or as malformed.
    assert answered in {(status, code), (status, code.replace("missing_auth", "malformed_auth"))}
    assert everything(api) == before
