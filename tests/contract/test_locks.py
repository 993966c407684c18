"""A tenant that holds a lock on a database that is not its own: nobody waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from controlplane.databases.delete import GRACE
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


@pytest.fixture(scope="module")
def villain(api: httpx.Client) -> dict[str, Any]:
    return create_database(api, "villain")


@contextlib.contextmanager
def hold(villain: dict[str, Any], database: str) -> Iterator[psycopg.Connection[Any]]:
    """A session with an open transaction: whoever may change a role may name any database, and that is locked."""
    with contextlib.closing(psycopg.connect(villain["connection_string"])) as session:
        session.execute(f"ALTER ROLE CURRENT_USER IN DATABASE \"{database}\" SET work_mem = '1MB'")
        yield session


def test_a_pooled_database_is_handed_over(plane: ControlPlane, api: httpx.Client, villain: dict[str, Any]) -> None:
    query = "SELECT id FROM pool_instances WHERE is_ready AND db_type = 'postgres'"
    with server_admin.connect(plane) as conn:
        (number,) = wait_until(lambda: conn.execute(query).fetchone())
    with hold(villain, f"instance_{number}") as session:
        made = create_database(api, "wanted")
        assert made["db_username"] == f"u{number}"
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_a_deleted_database_is_destroyed(plane: ControlPlane, api: httpx.Client, villain: dict[str, Any]) -> None:
    doomed = create_database(api, "doomed")
    with hold(villain, doomed["db_name"]), server_admin.connect(plane) as conn:
        api.delete(f"/databases/{doomed['uuid']}", headers=new_key()).raise_for_status()
        plane.advance(GRACE.total_seconds())
        gone = "SELECT 1 FROM databases WHERE uuid = %s AND destroyed_at IS NOT NULL"
        wait_until(lambda: conn.execute(gone, (doomed["uuid"],)).fetchone())
