"""A deleted database's grace ended by the admin API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import error_of


@pytest.fixture
def admin(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with control_plane.admin() as client:
        yield client


def is_destroyed(plane: ControlPlane, database: str) -> bool:
    with server_admin.connect(plane) as conn:
        [row] = conn.execute("SELECT destroyed_at FROM databases WHERE uuid = %s", (database,)).fetchall()
    return row[0] is not None


@pytest.mark.parametrize("db_type", ["postgres", "mysql"])
def test_an_ended_grace_period_destroys_the_database_at_once(
    control_plane: ControlPlane, api: httpx.Client, admin: httpx.Client, db_type: str
) -> None:
    made, kept = (create_database(api, name, db_type=db_type)["uuid"] for name in ("ended", "kept"))
    for each in (made, kept):
        api.delete(f"/databases/{each}", headers=new_key()).raise_for_status()
    shown = admin.post(f"/databases/{made}/destroy")
    assert (shown.status_code, shown.json()["uuid"], shown.json()["status"]) == (200, made, "deleted")
    assert "db_password" not in shown.json()
    wait_until(lambda: is_destroyed(control_plane, made))
    assert not is_destroyed(control_plane, kept)
    error_of(admin.post(f"/databases/{made}/restore"), 422, "not_restorable")
    assert admin.post(f"/databases/{made}/destroy").status_code == 200, "once more does nothing"
    assert admin.post(f"/databases/{kept}/restore").status_code == 200
    api.delete(f"/databases/{kept}", headers=new_key()).raise_for_status()


def test_only_what_is_deleted(api: httpx.Client, admin: httpx.Client) -> None:
    made = create_database(api, "in-use")
    path = f"/databases/{made['uuid']}"
    error_of(admin.post(f"{path}/destroy"), 422, "not_deleted")
    with psycopg.connect(made["connection_string"]) as conn:
        conn.execute("SELECT")
    api.delete(path, headers=new_key()).raise_for_status()
    for nothing in (uuid.uuid4(), "nonsense"):
        error_of(admin.post(f"/databases/{nothing}/destroy"), 404, "not_found")
    error_of(api.post(f"{api.base_url.join('/_polykomos')}{path}/destroy"), 403, "invalid_admin_token")


def test_what_may_still_be_being_built_keeps_its_grace() -> None:
    with (
        ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as plane,
        plane.client() as api,
        plane.admin() as admin,
        server_admin.connect(plane) as conn,
    ):
        admin.patch("/provisioning", json={"failures": 4}).raise_for_status()  # so that it is not ready at once
        made = api.post("/databases", json={"name": "begun"}, headers=new_key()).json()["data"]["uuid"]
        wait_until(lambda: conn.execute("SELECT FROM provision_jobs WHERE attempts > 0").fetchall())
        gone = api.delete(f"/databases/{made}", headers=new_key()).json()["data"]
        assert gone["has_remote_resources"]
        admin.post(f"/databases/{made}/destroy").raise_for_status()
        [row] = conn.execute("SELECT destroy_after > now() + interval '23 hours' FROM databases").fetchall()
        assert row == (True,)
