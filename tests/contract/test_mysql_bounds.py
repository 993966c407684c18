"""What a MySQL tenant cannot use up: the control plane's memory and threads, and the server's disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest

from controlplane.blueprints.mysql import clones
from controlplane.engines.mysql import engine
from controlplane.engines.mysql.connection import ConnectionParams
from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    options = ("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--free-queries", "0")
    with ControlPlane(*options) as running:
        yield running


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


def most_memory(plane: ControlPlane) -> int:
    """MB that the process has ever used."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{plane.pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def apply(api: httpx.Client, database: dict[str, Any], sql: str, **body: Any) -> dict[str, Any]:
    made = api.post("/blueprints", json={"name": sql[:40], "sql_content": sql}, headers=new_key())
    assert made.status_code == 201, made.text
    path = f"/databases/{database['uuid']}/blueprint_applications"
    body = {"blueprint_uuid": made.json()["data"]["uuid"], **body}
    found: dict[str, Any] = api.post(path, json=body, headers=new_key()).json()["data"]
    return found


def test_rows_of_returning_are_not_kept_in_memory(plane: ControlPlane, api: httpx.Client) -> None:
    database = create_database(api, "returning", db_type="mysql")
    mysql.once(database, "CREATE TABLE t (n int)")
    before = most_memory(plane)
    sql = "INSERT INTO t SELECT seq FROM seq_1_to_300 RETURNING repeat('x', 1000000)"
    reply = api.post("/query_executions", json={"database_uuid": database["uuid"], "query": sql})
    assert reply.json()["result"] == {"type": "write", "affectedRows": 300}, reply.text
    assert most_memory(plane) < before + 100


def test_a_dry_run_may_not_write_what_the_tenant_may_not_write(api: httpx.Client) -> None:
    database = create_database(api, "full", db_type="mysql")
    mysql.once(database, "CREATE TABLE t (n int)")
    path = f"/databases/{database['uuid']}/quotas"
    api.patch(path, json={"storage_hard_limit_gb": 1e-6}, headers=new_key()).raise_for_status()

    def refused() -> bool:
        try:
            mysql.once(database, "INSERT INTO t VALUES (1)")
        except pymysql.err.OperationalError:
            return True
        return False

    wait_until(refused)
    found = apply(api, database, "INSERT INTO t VALUES (1)", dry_run=True)
    assert (found["status"], "INSERT command denied" in found["error_message"]) == ("failed", True), found
    assert apply(api, database, "DELETE FROM t", dry_run=True)["status"] == "completed"


def test_a_dry_run_that_takes_too_much_storage_is_ended(
    plane: ControlPlane, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_DRY_RUN_BYTES", 0)
    port = create_database(api, "any", db_type="mysql")["port"]
    name = engine.SANDBOX_PREFIX + "0"
    with server_admin.connect_mysql(plane, port) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE TABLE {name}.t (n int)")
        cursor.execute(f"CREATE USER {name} IDENTIFIED BY 'secret'")
        cursor.execute(f"GRANT ALL ON {name}.* TO {name}")
        with pymysql.connect(host="127.0.0.1", port=port, user=name, password="secret", database=name) as session:
            session.ping(reconnect=False)
            engine._measure(pymysql.connect(**_login(plane, port), cursorclass=pymysql.cursors.DictCursor))
            with pytest.raises(pymysql.err.OperationalError):
                session.query("SELECT 1")


@pytest.mark.parametrize("prefix", engine.SANDBOX_PREFIXES)
def test_leftovers_of_dry_runs_are_dropped_also_those_of_earlier_releases(
    plane: ControlPlane, api: httpx.Client, prefix: str
) -> None:
    port = create_database(api, "any", db_type="mysql")["port"]
    name = prefix + "0123456789ab"
    with server_admin.connect_mysql(plane, port) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE USER '{name}'@'127.0.0.1'")
        clones.drop_leftovers(ConnectionParams(**_login(plane, port)))
        assert cursor.execute("SHOW DATABASES LIKE %s", (name,)) == 0
        assert cursor.execute("SELECT User FROM mysql.global_priv WHERE User = %s", (name,)) == 0


def test_long_blueprints_keep_nobody_else_waiting(api: httpx.Client) -> None:
    """As many as are applied at once, more than the event loop has threads."""
    targets = [create_database(api, f"slow-{number}", db_type="mysql") for number in range(6)]
    runs = [apply(api, each, "SELECT sleep(60)", wait=False)["id"] for each in targets]
    for run in runs:
        wait_until(lambda run=run: api.get(f"/blueprint_applications/{run}").json()["data"]["status"] == "running")
    reply = api.post(
        "/databases", params={"wait": "true", "timeout": "20"}, json={"name": "next", "db_type": "mysql"},
        headers=new_key(),
    )  # fmt: skip
    assert reply.status_code == 201, reply.text
    assert api.delete(f"/databases/{reply.json()['data']['uuid']}", headers=new_key(), timeout=20).status_code == 200
    assert api.get(f"/blueprint_applications/{runs[0]}").json()["data"]["status"] == "running"


def _login(plane: ControlPlane, port: int) -> dict[str, Any]:
    with server_admin.connect_mysql(plane, port) as found:
        return {"host": "127.0.0.1", "port": port, "user": found.user.decode(), "password": found.password.decode()}
