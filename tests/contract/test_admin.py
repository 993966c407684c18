"""The admin API: its token, the clock, provisioning on demand, ids, the inbox."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from controlplane.admin.routing import AdminRequest, AdminRoute, route
from controlplane.engines.base import EngineUnavailableError
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import error_of

NOON = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.admin() as client:
        yield client
        client.post("/clock/reset").raise_for_status()
        client.patch("/provisioning", json={"delay_seconds": None, "pool_size": None, "failures": 0})
        client.put("/ids", json={"seed": None})


def test_the_admin_api_has_its_own_token(plane: ControlPlane) -> None:
    where = {"base_url": f"{plane.origin}/_polykomos"}
    with plane.client(**where) as stranger:
        error_of(stranger.get("/clock"), 403, "invalid_admin_token")
    with httpx.Client(**where, trust_env=False) as nobody:
        error_of(nobody.get("/clock"), 401, "missing_authorization")
    with plane.client(plane.admin_token) as wrong_door:
        error_of(wrong_door.get("/me"), 403, "invalid_api_key")


def test_the_admin_token_survives_a_restart_and_no_admin_serves_no_admin_api(tmp_path: Any) -> None:
    arguments = ("--data-dir", str(tmp_path / "data"), "--pool-size", "0")
    with ControlPlane(*arguments) as plane:
        token = plane.admin_token
        plane.advance(86400)
        plane.restart()
        assert plane.admin_token == token
        with plane.admin() as admin:
            assert admin.get("/clock").json()["offset_seconds"] == 86400
    with ControlPlane(*arguments, "--no-admin") as plane:
        assert plane.admin_token == ""
        with plane.client(token, base_url=f"{plane.origin}/_polykomos") as client:
            assert client.get("/clock").status_code == 404
            assert client.post("/inbox/mine").status_code == 404


@pytest.mark.facts("C8")
def test_the_clock_stands_goes_on_and_jumps(admin: httpx.Client, client: httpx.Client) -> None:
    frozen = admin.post("/clock/freeze", json={"at": NOON}).json()
    assert frozen == {"now": NOON, "is_frozen": True, "offset_seconds": 0.0}
    made = create_database(client, "noon")
    assert made["created_at"] == NOON
    assert admin.post("/clock/advance", json={"seconds": 90.5}).json()["now"] == "2026-03-01T12:01:30Z"
    assert client.patch(f"/databases/{made['uuid']}", json={"name": "later"}, headers=new_key()).json()["data"][
        "updated_at"
    ] == ("2026-03-01T12:01:30Z")
    running = admin.post("/clock/resume").json()
    assert (running["now"], running["is_frozen"]) == ("2026-03-01T12:01:30Z", False)
    assert admin.post("/clock/reset").json()["offset_seconds"] == 0


def test_a_day_passes_in_a_moment(admin: httpx.Client, client: httpx.Client, plane: ControlPlane) -> None:
    header = new_key()
    first = client.post("/databases", json={"name": "graced"}, headers=header).json()["data"]
    deleted = client.delete(f"/databases/{first['uuid']}", headers=new_key()).json()["data"]
    assert deleted["deleted"]
    plane.advance(86401)
    again = client.post("/databases", json={"name": "graced"}, headers=header).json()
    assert "idempotency_replay" not in again, "a key is forgotten after 24 hours"
    assert again["data"]["uuid"] != first["uuid"]
    wait_until(lambda: '"message": "destroyed"' in plane.log_text or deleted["destroy_scheduled_at"] is None)


def test_the_clock_keeps_within_its_years(admin: httpx.Client, client: httpx.Client) -> None:
    """Whatever is computed from the time must be a time as well."""
    century = {"seconds": 100 * 365 * 86400}
    for stands in (False, True):
        if stands:
            admin.post("/clock/freeze", json={"at": NOON}).raise_for_status()
        while (reply := admin.post("/clock/advance", json=century)).status_code == 200:
            pass
        assert error_of(reply, 422, "invalid_field")["field"] == "seconds"
        assert admin.get("/clock").json()["now"].startswith("89")
        made = create_database(client, "late")
        assert made["created_at"].startswith("89")
        assert client.delete(f"/databases/{made['uuid']}", headers=new_key()).status_code == 200
        admin.post("/clock/reset").raise_for_status()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/clock/freeze", {"at": "noon"}, "at"),
        ("/clock/freeze", {"at": "2026-03-01T12:00:00"}, "at"),
        ("/clock/advance", {"seconds": -1}, "seconds"),
        ("/clock/advance", {}, "seconds"),
        ("/clock/advance", {"seconds": 1e300}, "seconds"),
        ("/clock/freeze", {"at": "0001-01-01T00:00:00+23:00"}, "at"),
        ("/clock/freeze", {"at": "9999-12-31T23:59:59-23:00"}, "at"),
        ("/faults", {"effect": "fire"}, "effect"),
        ("/faults", {"effect": "status"}, "status"),
        ("/faults", {"effect": "reset", "status": 500}, "status"),
        ("/faults", {"effect": "latency"}, "seconds"),
        ("/faults", {"effect": "reset", "operation": "createNothing"}, "operation"),
        ("/faults", {"effect": "reset", "probability": 2}, "probability"),
    ],
)
def test_a_wrong_body_names_the_field(admin: httpx.Client, path: str, body: dict[str, Any], field: str) -> None:
    reply = admin.post(path, json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["details"]["field"] == field


def test_provisioning_is_slowed_and_failed_on_demand(admin: httpx.Client, client: httpx.Client) -> None:
    set_ = admin.patch("/provisioning", json={"delay_seconds": 5}).json()
    assert set_ == {"delay_seconds": 5, "pool_size": None, "failures": 0, "kill_at": None}
    admin.post("/clock/freeze")
    slow = client.post("/databases", json={"name": "slow"}, headers=new_key())
    assert slow.status_code == 202
    admin.post("/clock/advance", json={"seconds": 4}).raise_for_status()
    uuid = slow.json()["data"]["uuid"]
    assert client.get(f"/databases/{uuid}").json()["data"]["status"] == "provisioning"
    admin.post("/clock/advance", json={"seconds": 1.5}).raise_for_status()
    wait_until(lambda: client.get(f"/databases/{uuid}").json()["data"]["status"] == "active")


def test_a_provisioning_that_keeps_failing_is_given_up(admin: httpx.Client, client: httpx.Client) -> None:
    admin.patch("/provisioning", json={"failures": 5}).raise_for_status()
    uuid = client.post("/databases", json={"name": "doomed"}, headers=new_key()).json()["data"]["uuid"]

    def gone() -> bool:
        admin.post("/clock/advance", json={"seconds": 40}).raise_for_status()
        return client.get(f"/databases/{uuid}").status_code == 404

    wait_until(gone)
    assert admin.get("/provisioning").json()["failures"] == 0
    create_database(client, "doomed")


def test_the_pool_is_emptied_and_filled_on_demand(admin: httpx.Client, client: httpx.Client) -> None:
    assert client.post("/databases", json={"name": "cold"}, headers=new_key()).status_code == 202
    admin.patch("/provisioning", json={"pool_size": 1}).raise_for_status()

    def from_the_pool() -> bool:
        return client.post("/databases", json={"name": "warm"}, headers=new_key()).status_code == 201

    wait_until(from_the_pool)


def test_seeded_ids_come_again(admin: httpx.Client, client: httpx.Client) -> None:
    def series(seed: str | None) -> list[str]:
        admin.put("/ids", json={"seed": seed}).raise_for_status()
        made = [create_database(client, "seeded")["uuid"] for _ in range(2)]
        body = {"name": "seeded", "sql_content": "SELECT 1"}
        made.append(client.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"])
        return made

    first = series("mine")
    assert len({*first, *series("another"), *series(None)}) == 9
    with pytest.raises(AssertionError):
        series("mine")  # what is there keeps its id, so a second series needs a fresh control plane
    with ControlPlane("--ephemeral", "--pool-size", "1") as other, other.admin() as its, other.client() as api:
        its.put("/ids", json={"seed": "mine"}).raise_for_status()
        assert [create_database(api, "seeded")["uuid"] for _ in range(2)] == first[:2]


def test_the_inbox_receives_what_is_sent(admin: httpx.Client, client: httpx.Client, plane: ControlPlane) -> None:
    url = f"{plane.origin}/_polykomos/inbox/mine"
    endpoint = client.post("/webhook_endpoints", json={"url": url}, headers=new_key()).json()
    made = create_database(client, "heard")
    received = wait_until(lambda: (found := admin.get("/inbox/mine").json())[1:] and found)
    assert [each["body"]["event"] for each in received] == ["database.provisioning_started", "database.provisioned"]
    assert received[1]["body"]["data"]["uuid"] == made["uuid"]
    assert all(each["is_signed"] for each in received)
    assert made["db_password"] not in admin.get("/inbox/mine").text
    assert endpoint["secret"] not in admin.get("/inbox/mine").text
    httpx.post(url, content=b"\xff not JSON", headers={"X-Polykomos-Signature": "sha256=0"}, trust_env=False)
    forged = admin.get("/inbox/mine").json()[-1]
    assert (forged["is_signed"], forged["body"]) == (False, "\ufffd not JSON")
    assert admin.delete("/inbox/mine").json() == {"removed": 3}
    client.delete(f"/webhook_endpoints/{endpoint['data']['id']}", headers=new_key())


def test_the_inboxes_of_all_names_together_are_bounded(admin: httpx.Client, plane: ControlPlane) -> None:
    """The bounds are kept with each message, so most of those before it need not be sent."""
    stored = (
        "INSERT INTO inbox (name, headers, body, received_at)"
        " SELECT %s || (n %% %s), '{}', repeat('x', %s), now() FROM generate_series(0, %s::int - 1) n"
    )
    inbox = f"{plane.origin}/_polykomos/inbox"
    with server_admin.connect(plane) as conn, httpx.Client(base_url=inbox, trust_env=False) as sender:
        conn.execute(stored, ("large-", 1000, 1024 * 1024, 64))
        for number in (64, 65):
            sender.post(f"/large-{number}", content=b"x" * 1024 * 1024).raise_for_status()
        assert [len(admin.get(f"/inbox/large-{number}").json()) for number in (0, 1, 2, 65)] == [0, 0, 1, 1]
        conn.execute(stored, ("small-", 3, 1, 990))
        for number in range(10):
            sender.post(f"/small-{number % 3}", content=b"x").raise_for_status()
    assert admin.get("/inbox/large-65").json() == []
    assert sum(admin.delete(f"/inbox/small-{number}").json()["removed"] for number in range(3)) == 1000


@pytest.mark.parametrize("path", ["/inbox/a%00b", "/requests?text=%00", "/requests?operation=x%00"])
def test_a_nul_is_refused(admin: httpx.Client, path: str) -> None:
    error_of(admin.get(path), 422, "invalid_field")


def test_a_nul_in_a_path_changes_nothing(admin: httpx.Client) -> None:
    assert error_of(admin.post("/snapshots/%00/restore"), 422, "invalid_field")["field"] == "name"
    error_of(admin.delete("/snapshots/a%00"), 422, "invalid_field")
    error_of(admin.post("/inbox/a%00b"), 422, "invalid_field")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (EngineUnavailableError("the MariaDB server cannot be reached"), 503, "engine_unavailable"),
        (RuntimeError("hush"), 500, "internal_error"),
    ],
)
def test_internal_errors_have_the_form_of_the_apis_errors(
    failure: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: AdminRequest) -> None:
        raise failure

    async def ask() -> httpx.Response:
        door = route(AdminRoute("GET", "/door", fail, public=True), None, "")  # type: ignore[arg-type]
        transport = httpx.ASGITransport(Starlette(routes=[door]))
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            return await client.get("/_polykomos/door")

    reply = asyncio.run(ask())
    error_of(reply, status, code)
    assert "hush" not in reply.text
    logged = [record.facts["request_id"] for record in caplog.records if record.name == "controlplane.failure"]  # type: ignore[attr-defined]
    assert logged == ([reply.json()["request_id"]] if status == 500 else [])


def test_an_inbox_that_fails_is_tried_again_as_time_passes(
    admin: httpx.Client, client: httpx.Client, plane: ControlPlane
) -> None:
    url = f"{plane.origin}/_polykomos/inbox/broken?status=503"
    endpoint = client.post("/webhook_endpoints", json={"url": url, "events": ["database.deleted"]}, headers=new_key())
    admin.post("/clock/freeze").raise_for_status()
    client.delete(f"/databases/{create_database(client, 'resent')['uuid']}", headers=new_key())
    path = f"/webhook_endpoints/{endpoint.json()['data']['id']}/deliveries"
    for attempts, pause in enumerate((1, 5, 30, 120, 600, 0), 1):
        wait_until(lambda n=attempts: len(admin.get("/inbox/broken").json()) == n)
        wait_until(lambda n=attempts: client.get(path).json()["data"][0]["attempt_count"] == n)
        wait_until(lambda: client.get(path).json()["data"][0]["response_code"] == 503)
        if pause:
            plane.advance(pause)
    delivery = wait_until(lambda: (found := client.get(path).json()["data"][0])["status"] == "failed" and found)
    assert delivery["attempt_count"] == 6
    assert len({each["headers"]["x-polykomos-delivery"] for each in admin.get("/inbox/broken").json()}) == 1


def test_the_request_log_shows_each_request_and_its_curl_command(
    admin: httpx.Client, client: httpx.Client, plane: ControlPlane
) -> None:
    made = create_database(client, "logged")
    client.get("/databases/absent")

    def entries() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.get("/requests", params={"limit": 5}).json()
        return found if found and found[0]["target"].endswith("/absent") else []

    last, first = wait_until(entries)[:2]
    assert (last["status"], last["code"], last["operation"]) == (404, "not_found", "getDatabase")
    assert (first["operation"], first["status"]) == ("createDatabase", 201)
    assert made["db_password"] not in str((first, last))
    line = admin.get(f"/requests/{first['id']}/curl").text
    environment = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key, "PATH": os.environ["PATH"]}
    again = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["idempotency_replay"] is True
    assert json.loads(again.stdout)["data"]["uuid"] == made["uuid"]
    error_of(admin.get("/requests/999999999/curl"), 404, "not_found")
    assert admin.get("/requests", params={"limit": "0"}).json()["error"]["details"]["field"] == "limit"


@pytest.mark.facts("S4", "C8")
def test_a_deleted_database_is_out_of_sight_and_due_in_a_day(admin: httpx.Client, client: httpx.Client) -> None:
    admin.post("/clock/freeze", json={"at": NOON}).raise_for_status()
    path = f"/databases/{create_database(client, 'unwanted')['uuid']}"
    gone = client.delete(path, headers=new_key()).json()["data"]
    assert (gone["destroy_scheduled_at"], gone["has_remote_resources"]) == ("2026-03-02 12:00:00", True)
    error_of(client.get(path), 404, "not_found")
    error_of(client.patch(path, json={"name": "back"}, headers=new_key()), 404, "not_found")
    assert "unwanted" not in [each["name"] for each in client.get("/databases").json()["data"]]
