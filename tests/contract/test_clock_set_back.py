"""The clock set back: what was begun while it was ahead goes on, and does not wait until it is that late again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.receiver import Receiver

YEAR = 365 * 86400


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.admin() as admin:
        admin.post("/clock/advance", json={"seconds": YEAR}).raise_for_status()
        yield admin
        admin.post("/clock/reset").raise_for_status()
        admin.patch("/provisioning", json={"delay_seconds": None, "failures": 0})


def test_a_delivery_is_tried_again(admin: httpx.Client, client: httpx.Client) -> None:
    with Receiver([500, 200]) as receiver:
        client.post("/webhook_endpoints", json={"url": receiver.url}, headers=new_key()).raise_for_status()
        admin.post("/clock/freeze", json={}).raise_for_status()  # so that it waits
        create_database(client, "told")
        receiver.wait_for(1)
        admin.post("/clock/reset").raise_for_status()
        receiver.wait_for(3)


def test_a_job_waits_no_longer_than_it_had_to(admin: httpx.Client, client: httpx.Client) -> None:
    admin.post("/clock/freeze", json={}).raise_for_status()
    admin.patch("/provisioning", json={"delay_seconds": 2}).raise_for_status()
    made = client.post("/databases", json={"name": "slow"}, headers=new_key()).json()["data"]
    admin.post("/clock/reset").raise_for_status()
    assert client.get(f"/databases/{made['uuid']}").json()["data"]["status"] == "provisioning"
    wait_active(client, made["uuid"])


def test_a_job_that_waited_before_still_waits(admin: httpx.Client, client: httpx.Client) -> None:
    admin.post("/clock/reset").raise_for_status()
    admin.patch("/provisioning", json={"delay_seconds": 600}).raise_for_status()
    made = client.post("/databases", json={"name": "patient"}, headers=new_key()).json()["data"]
    admin.post("/clock/advance", json={"seconds": 300}).raise_for_status()
    admin.post("/clock/reset").raise_for_status()
    admin.post("/clock/advance", json={"seconds": 200}).raise_for_status()
    assert client.get(f"/databases/{made['uuid']}").json()["data"]["status"] == "provisioning"
    admin.post("/clock/advance", json={"seconds": 101}).raise_for_status()
    wait_active(client, made["uuid"])


def test_the_grace_of_a_deleted_database_ends(plane: ControlPlane, admin: httpx.Client, client: httpx.Client) -> None:
    made = create_database(client, "gone")
    client.delete(f"/databases/{made['uuid']}", headers=new_key()).raise_for_status()
    admin.post("/clock/reset").raise_for_status()

    def is_destroyed() -> bool:
        query = "SELECT destroyed_at IS NOT NULL FROM databases WHERE uuid = %s"
        with server_admin.connect(plane) as store:
            return store.execute(query, (made["uuid"],)).fetchone() == (True,)

    assert not is_destroyed()
    plane.advance(86401)
    wait_until(is_destroyed)


def test_a_key_is_used_now(admin: httpx.Client, client: httpx.Client) -> None:
    def last_use() -> str:
        return str(client.get("/me").json()["data"]["api_key"]["last_used_at"])

    client.get("/me")
    ahead = last_use()
    admin.post("/clock/reset").raise_for_status()
    assert last_use() < ahead
