"""Telling whether a control-plane process is still there, with no clock involved.

Each process takes a number and holds a session advisory lock on it. The lock goes with its connection, so a
process that was killed is known to be dead at once, and one that is merely slow is not. A process that loses that
connection counts as dead too, though it lives on (see presence.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg

from controlplane.db import process_lease
from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE, Server

LOCK_CLASS: Final = 0x504B  # advisory locks (class, number) of this purpose
# The owner of work that its process has given back: a number that no process ever has.
NO_OWNER: Final = 0


WITH_LIVE_PROCESSES: Final = f"""
WITH living AS MATERIALIZED (
    SELECT objid::int AS number FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK_CLASS} AND objsubid = 2
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""  # noqa: S608
"""Begins a statement that knows the processes that run now, as the table `living`.

Whoever claims work sees in the same statement that its own number is one of them: without that a process that lost its
number would take its own work for a dead one's.
"""


async def acquire_number(conn: Connection) -> int:
    """Take a process number and hold its lock for as long as `conn` is open."""
    cursor = await conn.execute("SELECT nextval('process_numbers')::int AS number")
    row = await cursor.fetchone()
    assert row is not None
    number: int = row["number"]
    await conn.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (LOCK_CLASS, number))
    return number


async def is_alive(conn: Connection, number: int | None) -> bool:
    """Whether process `number` runs now."""
    if number is None:
        return False
    cursor = await conn.execute(WITH_LIVE_PROCESSES + " SELECT %s IN (TABLE living) AS found", (number,))
    row = await cursor.fetchone()
    return row is not None and bool(row["found"])


_ASK_EVERY: Final = 1.0  # seconds; an end that the network does not tell of is found by asking
_PATIENCE: Final = 5.0  # seconds for the answer


class ProcessLease:
    """number: 0 before the first `take`."""

    def __init__(self, server: Server) -> None:
        self.number = process_lease.NO_OWNER
        self._server = server
        self._conn: Connection | None = None
        self._listeners: list[Callable[[int], Awaitable[object]]] = []

    def on_acquired(self, listener: Callable[[int], Awaitable[object]]) -> None:
        """Tell of every number that is taken from now on."""
        self._listeners.append(listener)

    async def acquire(self) -> None:
        """Take a number, another one than before. Raises psycopg.OperationalError where the server is not reached."""
        await self.release()
        self._conn = await self._server.connect(CONTROL_DATABASE)
        self.number = await process_lease.acquire_number(self._conn)
        for listener in self._listeners:
            await listener(self.number)

    async def release(self) -> None:
        """Have no number any more."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()

    async def wait_lost(self) -> None:
        """Return when the number is not ours any more, or the server does not answer whether it is."""
        conn = self._conn
        assert conn is not None
        with contextlib.suppress(psycopg.Error, TimeoutError):
            while True:
                # Nothing is notified here: this hears the end of the connection at once.
                async for _ in conn.notifies(timeout=_ASK_EVERY):
                    pass
                async with asyncio.timeout(_PATIENCE):
                    await conn.execute("SELECT 1")
