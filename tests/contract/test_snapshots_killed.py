"""A snapshot that is broken off keeps nobody out, and leaves nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pymysql
import pytest

from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "0") as plane:
        yield plane


def can_enter(database: dict[str, Any]) -> bool:
    try:
        if database["db_type"] == "mysql":
            mysql.connect(database).close()
        else:
            psycopg.connect(database["connection_string"]).close()
    except (psycopg.OperationalError, pymysql.err.OperationalError):
        return False
    return True


def is_open(plane: ControlPlane, database: dict[str, Any]) -> bool:
    with server_admin.connect(plane) as store:
        query = "SELECT datallowconn FROM pg_database WHERE datname = %s"
        return store.execute(query, (database["db_name"],)).fetchone() == (True,)


def name_of(database: dict[str, Any]) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(database["db_name"])


def is_copying(plane: ControlPlane) -> bool:
    with server_admin.connect(plane) as store:
        query = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE %' AND wait_event_type = 'Lock'"
        return store.execute(query).fetchone() is not None


def copies(plane: ControlPlane) -> set[str]:
    with server_admin.connect(plane) as store:
        return {row[0] for row in store.execute("SELECT datname FROM pg_database WHERE datname LIKE 'snapshot%'")}


def mysql_copies(plane: ControlPlane, port: int) -> set[str]:
    with server_admin.connect_mysql(plane, port) as server:
        return {row[0] for row in mysql.ask(server, "SHOW DATABASES LIKE 'snapshot%'")}


def test_another_process_undoes_it(plane: ControlPlane) -> None:
    with plane.client() as api, plane.admin() as admin:
        database = create_database(api, "kept")
        admin.post("/snapshots", json={"name": "good"}).raise_for_status()
        good = copies(plane)
        url = server_admin.url(plane)
        with ControlPlane("--ephemeral", "--database-url", url, "--rate-limit", "0", "--pool-size", "0") as killed:

            def take() -> None:
                with contextlib.suppress(httpx.HTTPError), killed.admin() as its:
                    its.post("/snapshots", json={"name": "bad"})

            taking = threading.Thread(target=take)
            with server_admin.connect(plane) as store, store.transaction():
                # Whoever is to copy it waits.
                store.execute(psycopg.sql.SQL("COMMENT ON DATABASE {} IS ''").format(name_of(database)))
                taking.start()
                wait_until(lambda: is_copying(plane))
                assert not is_open(plane, database)
                killed.kill()
                taking.join()
            wait_until(lambda: is_open(plane, database))
            wait_until(lambda: copies(plane) == good)
        assert [each["name"] for each in admin.get("/snapshots").json()] == ["good"]
        admin.post("/snapshots", json={"name": "bad"}).raise_for_status()
        admin.post("/snapshots/good/restore").raise_for_status()
        assert can_enter(database)


def test_the_next_start_undoes_it(plane: ControlPlane) -> None:
    """As a kill would have left them: shut, with copies; but what was deleted stays shut."""
    with plane.client() as api:
        kept, deleted = create_database(api, "kept"), create_database(api, "deleted")
        mine, gone = (create_database(api, name, db_type="mysql") for name in ("mine", "gone"))
        for each in (deleted, gone):
            api.delete(f"/databases/{each['uuid']}", headers=new_key()).raise_for_status()
    port = mysql.connect(mine).port
    with server_admin.connect(plane) as store:
        store.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name_of(kept)))
        store.execute("CREATE DATABASE snapshot_99_1 ALLOW_CONNECTIONS false")
        store.execute("CREATE DATABASE snapshot_98_1")  # somebody else's: copies let nobody in
    with server_admin.connect_mysql(plane, port) as server:
        mysql.ask(server, f"ALTER USER '{mine['db_username']}'@'%' ACCOUNT LOCK")
        mysql.ask(server, "CREATE DATABASE snapshot_99_2")
    assert not can_enter(kept)
    assert not can_enter(mine)
    plane.kill()
    plane.start()
    wait_until(lambda: can_enter(kept) and can_enter(mine))
    wait_until(lambda: copies(plane) == {"snapshot_98_1"} and not mysql_copies(plane, port))
    assert not can_enter(deleted)
    assert not can_enter(gone)


def test_one_that_fails_leaves_nothing(plane: ControlPlane) -> None:
    with plane.client() as api, plane.admin() as admin:
        database = create_database(api, "first")
        create_database(api, "second")
        with server_admin.connect(plane) as store:
            (number,) = store.execute("SELECT max(id) FROM databases").fetchone() or ()
            # In the way of the second copy.
            store.execute(f"CREATE DATABASE snapshot_1_{number}")
            url = server_admin.url(plane).replace("polykomos_control", f"snapshot_1_{number}")
            with psycopg.connect(url):
                assert admin.post("/snapshots", json={"name": "bad"}).status_code == 500
            store.execute(f"DROP DATABASE snapshot_1_{number}")
        wait_until(lambda: not copies(plane))
        assert can_enter(database)
        assert admin.get("/snapshots").json() == []
