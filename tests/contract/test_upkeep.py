"""What happens behind the API: destruction, expiry, retries, several processes on one store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from controlplane.engines.naming import role_name
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.operations import error_of


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upkeep") / "data"


@pytest.fixture(scope="module")
def plane(directory: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(directory), "--rate-limit", "0", "--pool-size", "0") as plane:
        yield plane


def server_url(directory: Path) -> str:
    state = json.loads((directory / "control-plane.json").read_text())
    return f"postgresql://polykomos:{state['postgres_password']}@127.0.0.1:{state['postgres_port']}/polykomos_control"


@pytest.fixture
def store(plane: ControlPlane, directory: Path) -> Iterator[psycopg.Connection[Any]]:
    """The control plane's own tables, as its superuser."""
    with psycopg.connect(server_url(directory), autocommit=True) as conn:
        yield conn


@pytest.mark.facts("S4", "S3")
def test_a_database_is_destroyed_when_its_grace_is_over(client: httpx.Client, store: psycopg.Connection[Any]) -> None:
    made = create_database(client, "grave")
    client.delete(f"/databases/{made['uuid']}", headers=new_key())

    def remains() -> list[Any]:
        return store.execute(
            "SELECT datname FROM pg_database WHERE datname = %s UNION SELECT rolname FROM pg_roles WHERE rolname = %s",
            (made["db_name"], made["db_username"]),
        ).fetchall()

    assert len(remains()) == 2
    replacement = create_database(client, "grave")
    assert replacement["db_name"] != "grave"  # still taken
    store.execute("UPDATE databases SET destroy_after = now() WHERE uuid = %s", (made["uuid"],))
    wait_until(lambda: not remains())
    wait_until(lambda: create_database(client, "grave")["db_name"] == "grave")


@pytest.mark.facts("idempotency:age")
def test_a_key_is_forgotten_after_24_hours(client: httpx.Client, store: psycopg.Connection[Any]) -> None:
    header = new_key()

    def create() -> dict[str, Any]:
        reply: dict[str, Any] = client.post("/databases", json={"name": "again"}, headers=header).json()
        return reply

    first = create()
    store.execute("UPDATE idempotency_keys SET created_at = created_at - interval '23 hours 59 minutes'")
    assert create()["idempotency_replay"] is True
    store.execute("UPDATE idempotency_keys SET created_at = created_at - interval '2 minutes'")
    second = create()
    assert "idempotency_replay" not in second
    assert second["data"]["uuid"] != first["data"]["uuid"]


@pytest.mark.facts("transport:key-hash")
def test_only_a_hash_of_the_key_is_stored(plane: ControlPlane, store: psycopg.Connection[Any]) -> None:
    rows = store.execute("SELECT k::text FROM api_keys k").fetchall()
    assert rows
    assert plane.api_key not in str(rows)


def hindered(store: psycopg.Connection[Any]) -> str:
    """The next tenant's role, there already and as none can be: all attempts fail half-way."""
    role = role_name(server_admin.next_instance(store))
    store.execute(f"CREATE ROLE {role}; GRANT {role} TO polykomos_tenants")
    return role


def test_a_failed_provisioning_is_tried_again(client: httpx.Client, store: psycopg.Connection[Any]) -> None:
    role = hindered(store)
    reply = client.post("/databases", json={"name": "stubborn"}, headers=new_key())
    uuid = reply.json()["data"]["uuid"]
    wait_until(lambda: store.execute("SELECT 1 FROM provision_jobs WHERE last_error IS NOT NULL").fetchone())
    store.execute(f"REVOKE {role} FROM polykomos_tenants")
    made = wait_active(client, uuid)
    psycopg.connect(made["connection_string"]).close()


@pytest.mark.facts("C17")
def test_a_provisioning_that_keeps_failing_ends_as_deleted(
    client: httpx.Client, store: psycopg.Connection[Any], plane: ControlPlane
) -> None:
    hindered(store)
    reply = client.post("/databases", json={"name": "hopeless"}, headers=new_key())
    uuid = reply.json()["data"]["uuid"]

    def hurry_and_look() -> bool:
        store.execute("UPDATE provision_jobs SET not_before = now() WHERE state = 'queued'")
        return client.get(f"/databases/{uuid}").status_code == 404

    wait_until(hurry_and_look)
    assert "provisioning given up" in plane.log_text
    assert uuid not in [database["uuid"] for database in client.get("/databases").json()["data"]]


def test_two_processes_can_share_one_store(plane: ControlPlane, client: httpx.Client, directory: Path) -> None:
    arguments = ["--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--api-key", plane.api_key]
    with ControlPlane(*arguments, "--database-url", server_url(directory)) as second, second.client() as other:
        header = new_key()
        first = client.post("/databases", params={"wait": "true"}, json={"name": "shared"}, headers=header).json()
        replay = other.post("/databases", params={"wait": "true"}, json={"name": "shared"}, headers=header).json()
        assert replay["idempotency_replay"] is True
        assert replay["data"] == first["data"]
        made = create_database(other, "shared-too")
        assert client.get(f"/databases/{made['uuid']}").json()["data"] == made
        psycopg.connect(made["connection_string"]).close()
    assert client.get(f"/databases/{made['uuid']}").status_code == 200


@pytest.mark.facts("errors:500", "C11")
def test_a_failure_inside_is_500_and_the_same_key_may_try_again(
    client: httpx.Client, store: psycopg.Connection[Any]
) -> None:
    header, body = new_key(), {"name": "patient", "sql_content": "SELECT 1"}
    store.execute("ALTER TABLE blueprints RENAME TO blueprints_away")
    try:
        for reply in (client.get("/blueprints"), client.post("/blueprints", json=body, headers=header)):
            assert error_of(reply, 500, "internal_error") == {}
            assert "blueprints_away" not in reply.text
    finally:
        store.execute("ALTER TABLE blueprints_away RENAME TO blueprints")
    again = client.post("/blueprints", json=body, headers=header)
    assert again.status_code == 201, again.text
    assert "idempotency_replay" not in again.json()
