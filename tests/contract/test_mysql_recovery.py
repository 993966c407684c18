"""MySQL over restart and kill -9: two servers, no common transaction, and yet nothing is lost, doubled or let in."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.mysql import ask, connect, once
from support.needs import require_mariadb

NO_JOB_BEGINS = """
CREATE OR REPLACE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER none_begins BEFORE UPDATE ON provision_jobs FOR EACH ROW WHEN (NEW.state = 'running')
EXECUTE FUNCTION not_now();
"""
ARGUMENTS = ("--rate-limit", "0", "--pool-size", "1")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(tmp_path / "data"), *ARGUMENTS) as plane:
        yield plane


def servers() -> list[int]:
    """Processes of MariaDB."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() == "mariadbd\n":
                found.append(int(process.name))
        except OSError:
            continue
    return found


def servers_below(directory: Path) -> list[int]:
    found = []
    for pid in servers():
        with contextlib.suppress(OSError):  # it has just ended
            if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(directory):
                found.append(pid)
    return found


def can_enter(database: dict[str, Any]) -> bool:
    try:
        connect(database).close()
    except pymysql.err.OperationalError:
        return False
    return True


def test_no_server_is_started_before_an_order(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as api:
        create_database(api, "orders")
        assert servers_below(tmp_path) == []
        create_database(api, "orders", db_type="mysql")
        assert len(servers_below(tmp_path)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be dropped")
def test_the_server_is_nobody_and_sees_its_directory_only(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as api:
        create_database(api, db_type="mysql")
    (server,) = servers_below(tmp_path)
    status = Path(f"/proc/{server}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
    assert Path(f"/proc/{server}/root").readlink() == tmp_path / "data" / "mysql"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_everything_is_there_after_a_restart(plane: ControlPlane, tmp_path: Path, end: str) -> None:
    with plane.client() as api:
        kept = create_database(api, "kept", db_type="mysql")
        once(kept, "CREATE TABLE answers (answer int)")
        once(kept, "INSERT INTO answers VALUES (42)")
        deleted = create_database(api, "deleted", db_type="mysql")
        api.delete(f"/databases/{deleted['uuid']}", headers=new_key())
    getattr(plane, end)()
    wait_until(lambda: not servers_below(tmp_path))
    plane.restart()
    wait_until(lambda: can_enter(kept))
    assert once(kept, "SELECT answer FROM answers") == [(42,)]
    assert not can_enter(deleted)
    with plane.client() as api:
        assert api.get(f"/databases/{kept['uuid']}").json()["data"]["connection_string"] == kept["connection_string"]


def test_who_was_deleted_while_the_server_was_away_does_not_get_in(plane: ControlPlane, tmp_path: Path) -> None:
    """A killed delete: the row says so, the MariaDB server does not know of it yet."""
    with plane.client() as api:
        database = create_database(api, "late", db_type="mysql")
        other = create_database(api, "other", db_type="mysql")
        with server_admin.connect(plane) as store:
            store.execute("UPDATE databases SET deleted_at = now() WHERE uuid = %s", (database["uuid"],))
        plane.kill()
        wait_until(lambda: not servers_below(tmp_path))
        plane.restart()
        attempts = 0
        while not can_enter(other):
            assert not can_enter(database)
            attempts += 1
        assert not can_enter(database)


def test_a_deleted_tenant_who_can_still_get_in_is_found(plane: ControlPlane) -> None:
    with plane.client() as api:
        database = create_database(api, "late", db_type="mysql")
    session = connect(database)
    with server_admin.connect(plane) as store:
        store.execute("UPDATE databases SET deleted_at = now() WHERE uuid = %s", (database["uuid"],))
    wait_until(lambda: not can_enter(database))

    def is_ended() -> bool:
        try:
            ask(session, "SELECT 1")
        except pymysql.err.Error:
            return True
        return False

    wait_until(is_ended)


def test_a_server_that_dies_is_started_again(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as api:
        database = create_database(api, "kept", db_type="mysql")
    (server,) = servers_below(tmp_path)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: can_enter(database))
    assert servers_below(tmp_path) != [server]


def test_kills_at_any_moment_of_provisioning_leave_one_database(plane: ControlPlane) -> None:
    with plane.client() as api:
        create_database(api, "first", db_type="mysql")  # the server's own making is not what is tried here
    made = []
    for pause in (0.0, 0.02, 0.1, 0.4):
        with plane.client() as api:
            reply = api.post("/databases", json={"name": "cold", "db_type": "mysql"}, headers=new_key())
            assert reply.status_code in (201, 202)
            made.append(reply.json()["data"]["uuid"])
        time.sleep(pause)
        plane.kill()
        plane.restart()
    with plane.client() as api:
        found = [wait_active(api, uuid) for uuid in made]
        for database in found:
            wait_until(lambda database=database: can_enter(database))
            assert len(once(database, "SHOW DATABASES")) == 2
    with server_admin.connect_mysql(plane, found[0]["port"]) as server:
        names = {row[0] for row in ask(server, "SHOW DATABASES")}
    assert {name for name in names if name.startswith("cold")} == {database["db_name"] for database in found}


def test_destruction_after_the_grace_leaves_nothing(plane: ControlPlane) -> None:
    with plane.client() as api:
        database = create_database(api, "grave", db_type="mysql")
        api.delete(f"/databases/{database['uuid']}", headers=new_key())
    with server_admin.connect_mysql(plane, database["port"]) as server, server_admin.connect(plane) as store:

        def remains() -> list[Any]:
            users = ask(server, f"SELECT 1 FROM mysql.global_priv WHERE User = '{database['db_username']}'")
            return users + ask(server, f"SHOW DATABASES LIKE '{database['db_name']}'")

        assert len(remains()) == 2
        store.execute("UPDATE databases SET destroy_after = now() WHERE uuid = %s", (database["uuid"],))
        wait_until(lambda: not remains())


def test_two_processes_can_share_one_store(plane: ControlPlane, tmp_path: Path) -> None:
    """The one with the files runs the server and the jobs; the other orders, shows and deletes all the same."""
    require_mariadb()
    url = server_admin.url(plane)
    arguments = ["--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--api-key", plane.api_key]
    with ControlPlane(*arguments, "--database-url", url) as second, second.client() as other:
        types = {one["value"]: one["is_available"] for one in other.get("/database_types").json()["data"]}
        assert types["mysql"] is True
        made = create_database(other, "shared", db_type="mysql")
        assert len(servers_below(tmp_path)) == 1
        once(made, "CREATE TABLE here (i int)")
        reply = other.patch(f"/databases/{made['uuid']}/quotas", json={"connection_hard_limit": 1}, headers=new_key())
        assert reply.status_code == 200
        with connect(made):
            assert not can_enter(made)
        session = connect(made)
        assert other.delete(f"/databases/{made['uuid']}", headers=new_key()).status_code == 200
        with pytest.raises(pymysql.err.Error):
            ask(session, "SELECT 1")
        assert not can_enter(made)


def test_one_from_the_pool_that_is_deleted_before_its_job_began_leaves_no_user(plane: ControlPlane) -> None:
    with plane.client() as api:
        port = create_database(api, "first", db_type="mysql")["port"]
        with server_admin.connect(plane) as store:
            ready = "SELECT 1 FROM pool_instances WHERE is_ready AND db_type = 'mysql'"
            wait_until(lambda: store.execute(ready).fetchone())
            store.execute(NO_JOB_BEGINS)
            made = api.post("/databases", json={"name": "unborn", "db_type": "mysql"}, headers=new_key()).json()["data"]
            ended = api.delete(f"/databases/{made['uuid']}", headers=new_key()).json()["data"]
            store.execute("DROP TRIGGER none_begins ON provision_jobs")
    assert ended["cancelled_provision_jobs"] == 1
    assert ended["has_remote_resources"] is True
    plane.advance(86401)
    with server_admin.connect_mysql(plane, port) as server:
        query = f"SELECT User FROM mysql.global_priv WHERE User = '{made['db_username']}'"
        wait_until(lambda: not ask(server, query))


def test_no_secret_is_in_the_logs(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as api:
        database = create_database(api, "secret", db_type="mysql")
    once(database, "SELECT 1")
    written = plane.log_text + (tmp_path / "data" / "mysql" / "mariadb.log").read_text()
    assert database["db_password"] not in written
    assert (tmp_path / "data" / "control-plane.json").stat().st_mode & 0o077 == 0
