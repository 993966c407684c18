"""Faults on demand: what a client meets, and what was done nevertheless."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, new_key, wait_until
from support.operations import error_of


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.admin() as admin:
        yield admin
        admin.delete("/faults").raise_for_status()


def rule(admin: httpx.Client, **fields: Any) -> dict[str, Any]:
    reply = admin.post("/faults", json=fields)
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


def create(client: httpx.Client, header: dict[str, str], name: str = "faulty") -> httpx.Response:
    return client.post("/databases", json={"name": name}, headers=header)


def names(client: httpx.Client) -> list[str]:
    return [each["name"] for each in client.get("/databases", params={"limit": 100}).json()["data"]]


def test_a_status_comes_in_place_of_the_call(admin: httpx.Client, client: httpx.Client) -> None:
    made = rule(admin, operation="createDatabase", effect="status", status=503, count=2)
    header = new_key()
    for _ in range(2):
        reply = create(client, header, "prevented")
        error_of(reply, 503, "service_unavailable")
        assert reply.headers["Retry-After"] == "1"
    assert "prevented" not in names(client)
    assert create(client, header, "prevented").status_code in (201, 202)
    [shown] = admin.get("/faults").json()
    assert (shown["id"], shown["applied"], shown["remaining"]) == (made["id"], 2, 0)


def test_a_connection_is_reset_before_anything_is_done(admin: httpx.Client, client: httpx.Client) -> None:
    rule(admin, operation="createDatabase", effect="reset")
    header = new_key()
    with pytest.raises(httpx.ReadError):
        create(client, header, "unheard")
    assert "unheard" not in names(client)
    assert "idempotency_replay" not in create(client, header, "unheard").json()


@pytest.mark.parametrize(
    ("effect", "error"), [("lost_response", httpx.ReadError), ("truncated_body", httpx.RemoteProtocolError)]
)
def test_a_reply_is_lost_after_the_commit(
    admin: httpx.Client, client: httpx.Client, effect: str, error: type[Exception]
) -> None:
    rule(admin, operation="createDatabase", effect=effect)
    header = new_key()
    with pytest.raises(error):
        create(client, header, effect.replace("_", "-"))
    assert names(client).count(effect.replace("_", "-")) == 1
    again = create(client, header, effect.replace("_", "-")).json()
    assert again["idempotency_replay"] is True
    assert names(client).count(effect.replace("_", "-")) == 1


def test_a_garbled_body_is_html_after_the_commit(admin: httpx.Client, client: httpx.Client) -> None:
    rule(admin, operation="createDatabase", effect="garbled_body")
    garbled = create(client, new_key(), "garbled")
    assert (garbled.status_code, garbled.headers["content-type"]) == (201, "text/html; charset=utf-8")
    assert garbled.text.startswith("<html>")
    assert names(client).count("garbled") == 1


def test_latency_delays_and_nothing_else(admin: httpx.Client, client: httpx.Client) -> None:
    rule(admin, operation="getMe", effect="latency", seconds=1)
    began = time.monotonic()
    assert client.get("/me").status_code == 200
    assert time.monotonic() - began >= 1
    assert client.get("/me").status_code == 200
    assert [each["applied"] for each in admin.get("/faults").json()] == [1]


def test_skip_lets_calls_pass_and_any_meets_all(admin: httpx.Client, client: httpx.Client) -> None:
    rule(admin, effect="status", status=500, skip=2, count=1)
    codes = [client.get(path).status_code for path in ("/me", "/databases", "/blueprints", "/me")]
    assert codes == [200, 200, 500, 200]


def test_half_of_many_calls_fail_by_chance_until_the_rule_is_gone(admin: httpx.Client, client: httpx.Client) -> None:
    made = rule(admin, operation="getMe", effect="status", status=429, probability=0.5, count=None)
    failed = [client.get("/me").status_code for _ in range(100)].count(429)
    assert 20 < failed < 80
    assert admin.delete(f"/faults/{made['id']}").json() == {"removed": 1}
    assert {client.get("/me").status_code for _ in range(20)} == {200}
    error_of(admin.delete(f"/faults/{made['id']}"), 404, "not_found")


def test_the_log_names_the_rule(admin: httpx.Client, client: httpx.Client, plane: ControlPlane) -> None:
    made = rule(admin, operation="getDatabaseTypes", effect="status", status=502)
    error_of(client.get("/database_types"), 502, "bad_gateway")
    line = next(line for line in reversed(plane.request_lines()) if line["path"].endswith("/database_types"))
    assert (line["fault"], line["status"]) == (made["id"], 502)


@pytest.mark.parametrize(
    ("effect", "status"),
    [
        ({"effect": "status", "status": 503}, 503),
        ({"effect": "reset"}, 503),
        ({"effect": "status_after", "status": 500}, 500),
        ({"effect": "latency", "seconds": 0.01}, 200),
        ({"effect": "lost_response"}, 200),
        ({"effect": "truncated_body"}, 200),
        ({"effect": "garbled_body"}, 200),
    ],
    ids=lambda value: value["effect"] if isinstance(value, dict) else None,
)
def test_each_effect_is_logged_with_its_rule(
    admin: httpx.Client, client: httpx.Client, plane: ControlPlane, effect: dict[str, Any], status: int
) -> None:
    """The line says what the rule made of the request, and names the key only where the request was handled."""
    made = rule(admin, operation="getMe", **effect)
    with contextlib.suppress(httpx.TransportError):
        client.get("/me")

    def entry() -> dict[str, Any] | None:
        found: list[dict[str, Any]] = admin.get("/requests", params={"operation": "getMe", "limit": 1}).json()
        return next((each for each in found if each["request_id"] == line["request_id"]), None)

    line = wait_until(lambda: next((each for each in plane.request_lines() if each.get("fault") == made["id"]), None))
    assert line["status"] == status
    assert ("code" in line) == (status != 200)
    is_handled = effect["effect"] not in ("status", "reset")
    assert ("key" in line) == ("operation" in line) == is_handled
    if is_handled:
        kept = wait_until(entry)
        assert (kept["status"], kept["code"], kept["ms"]) == (status, line.get("code"), line["ms"])
        assert json.loads(kept["response_body"])["request_id"] == line["request_id"]
