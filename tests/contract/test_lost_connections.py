"""Connections to PostgreSQL that end while the process lives on: nothing is done twice, and work goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from controlplane.db import process_lease
from controlplane.db.process_lease import LOCK_CLASS, ProcessLease
from controlplane.db.server import Server
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.receiver import Receiver

PRESENCE = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK_CLASS} AND objsubid = 2"
OURS = "SELECT pid FROM pg_stat_activity WHERE usename = 'polykomos' AND pid <> pg_backend_pid()"
OTHER = 4711  # a number that no process of the test takes
SLOW = "INSERT INTO ran SELECT 1; SELECT pg_sleep(1.5);"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as plane:
        yield plane


def terminate(plane: ControlPlane, which: str) -> None:
    with server_admin.connect(plane) as conn:
        conn.execute(f"SELECT pg_terminate_backend(pid) FROM ({which}) AS each")


def terminate_presence(plane: ControlPlane, tenant: dict[str, Any]) -> None:
    terminate(plane, PRESENCE)


def terminate_all(plane: ControlPlane, tenant: dict[str, Any]) -> None:
    terminate(plane, OURS)


def crash(plane: ControlPlane, tenant: dict[str, Any]) -> None:
    """A backend that dies takes every other one with it: the server begins anew."""
    session = psycopg.connect(tenant["connection_string"])
    os.kill(session.info.backend_pid, signal.SIGKILL)
    session.close()


def numbers(plane: ControlPlane) -> list[int]:
    """Of the processes that count as alive; none while the server is not to be reached."""
    try:
        with server_admin.connect(plane) as conn:
            return [row[0] for row in conn.execute(PRESENCE.replace("pid", "objid::int", 1))]
    except psycopg.OperationalError:
        return []


def ended(api: httpx.Client, run: int) -> dict[str, Any] | None:
    reply = api.get(f"/blueprint_applications/{run}")
    found: dict[str, Any] = reply.json().get("data", {})
    return found if found.get("completed_at") else None


def running(api: httpx.Client) -> tuple[dict[str, Any], int]:
    """A database, and an application that has begun there and takes a while."""
    tenant = create_database(api, "target")
    with psycopg.connect(tenant["connection_string"]) as session:
        session.execute("CREATE TABLE ran (n int)")
    body = {"name": "slow", "sql_content": SLOW}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    path = f"/databases/{tenant['uuid']}/blueprint_applications"
    run = api.post(path, json={"blueprint_uuid": blueprint, "wait": False}, headers=new_key()).json()["data"]["id"]
    wait_until(lambda: api.get(f"/blueprint_applications/{run}").json()["data"]["status"] == "running")
    return tenant, run


def times_run(tenant: dict[str, Any]) -> int:
    with psycopg.connect(tenant["connection_string"]) as session:
        (found,) = session.execute("SELECT count(*) FROM ran").fetchone() or (0,)
    return int(found)


@pytest.mark.parametrize("lose", [terminate_presence, terminate_all, crash])
def test_what_was_under_way_is_done_once(
    plane: ControlPlane, lose: Callable[[ControlPlane, dict[str, Any]], None]
) -> None:
    with plane.client() as api, Receiver() as receiver:
        hook = {"url": receiver.url, "events": ["database.deleted"]}
        api.post("/webhook_endpoints", json=hook, headers=new_key()).raise_for_status()
        doomed = create_database(api, "doomed")
        receiver.gate.clear()
        api.delete(f"/databases/{doomed['uuid']}", headers=new_key()).raise_for_status()
        receiver.wait_for(1)
        tenant, run = running(api)
        before = numbers(plane)
        lose(plane, tenant)
        # Another number, because by the old one others may have taken the work over.
        wait_until(lambda: set(numbers(plane)) - set(before))
        wait_until(lambda: not set(numbers(plane)) & set(before))
        found = wait_until(lambda: ended(api, run))
        assert found["status"] == "completed"
        made = api.post("/databases", json={"name": "after"}, headers=new_key())
        wait_active(api, made.json()["data"]["uuid"])
        receiver.gate.set()
        threading.Event().wait(1.0)  # for more deliveries, were there any
        assert len(receiver.received) <= 2, "once, and once more for the attempt that was broken off"
    assert times_run(tenant) == 1


def test_who_was_taken_for_dead_commits_nothing(plane: ControlPlane) -> None:
    """Another process owns the application while it still runs here; that process ends, and it is begun again."""
    with plane.client() as api:
        tenant, run = running(api)
        with server_admin.connect(plane) as other:
            other.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_CLASS, OTHER))
            other.execute("UPDATE blueprint_applications SET owner = %s WHERE id = %s", (OTHER, run))
            wait_until(lambda: "taken over by another process" in plane.log_text)
            assert times_run(tenant) == 0
            assert ended(api, run) is None
        done = wait_until(lambda: ended(api, run))
        assert done["status"] == "completed", done
    assert times_run(tenant) == 1


def test_a_lost_number_is_not_taken_again(plane: ControlPlane) -> None:
    async def lose() -> None:
        server = Server.from_url(server_admin.url(plane))
        presence = ProcessLease(server)
        await presence.acquire()
        first = presence.number
        async with await server.connect("polykomos_control") as conn:
            assert await process_lease.is_alive(conn, first)
            await conn.execute(f"SELECT pg_terminate_backend(pid) FROM ({PRESENCE} AND objid = {first}) AS each")
            await asyncio.wait_for(presence.wait_lost(), 5)
            assert not await process_lease.is_alive(conn, first)
            await presence.acquire()
            assert presence.number != first
            assert await process_lease.is_alive(conn, presence.number)
        await presence.release()

    asyncio.run(lose())


def test_without_its_server_it_ends_and_says_so() -> None:
    with ControlPlane("--ephemeral", "--pool-size", "0") as plane:
        kill_the_server(plane)
        wait_until(lambda: plane.is_dead)
        assert "PostgreSQL has ended" in plane.log_text.splitlines()[-1]


def kill_the_server(plane: ControlPlane) -> None:
    (postmaster,) = [pid for pid in children(plane.pid) if Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"]
    os.kill(postmaster, signal.SIGKILL)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
