"""Tell whether a control-plane process is alive, without a clock.

Each process takes a number and a session advisory lock on it. The lock ends with its connection: a killed process is
known to be dead at once, and a slow one is not. A process that loses the connection counts as dead too, and takes
another number.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg

from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE, Server

LOCK_CLASS: Final = 0x504B  # advisory locks (class, number) of this purpose
# The owner of released work: a number that no process ever has.
NO_OWNER: Final = 0
_CHECK_SECONDS: Final = 1.0  # a query finds an end of the connection that the network does not report
_QUERY_SECONDS: Final = 5.0  # the deadline of that query

WITH_LIVE_PROCESSES: Final = f"""
WITH living AS MATERIALIZED (
    SELECT objid::int AS number FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK_CLASS} AND objsubid = 2
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""  # noqa: S608
"""The beginning of a statement that sees the running processes as the table `living`.

A process that claims work must check in the same statement that its own number is in it. Otherwise a process that has
lost its number would take over its own work.
"""


async def acquire_number(conn: Connection) -> int:
    """Take a process number and lock it for as long as `conn` is open."""
    number: int = await conn.fetch_value("SELECT nextval('process_numbers')::int")
    await conn.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (LOCK_CLASS, number))
    return number


async def is_alive(conn: Connection, number: int | None) -> bool:
    """Return whether a process runs now."""
    if number is None:
        return False
    return bool(await conn.fetch_value(WITH_LIVE_PROCESSES + " SELECT %s IN (TABLE living)", (number,)))


class ProcessLease:
    """The number of this process, and the connection that has its lock.

    Attributes:
        number: NO_OWNER before the first `acquire`.
    """

    def __init__(self, server: Server) -> None:
        self.number = NO_OWNER
        self._server = server
        self._conn: Connection | None = None
        self._callbacks: list[Callable[[int], Awaitable[object]]] = []

    def on_acquired(self, callback: Callable[[int], Awaitable[object]]) -> None:
        """Call `callback` with every number that is taken from now on."""
        self._callbacks.append(callback)

    async def acquire(self) -> None:
        """Take a number, another one than before.

        Raises:
            psycopg.OperationalError: The server cannot be reached.
        """
        await self.release()
        self._conn = await self._server.connect(CONTROL_DATABASE)
        self.number = await acquire_number(self._conn)
        for callback in self._callbacks:
            await callback(self.number)

    async def release(self) -> None:
        """Close the connection, which ends the lock of the number."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()

    async def wait_lost(self) -> None:
        """Return when the connection is lost, or the server does not answer on it."""
        conn = self._conn
        assert conn is not None
        with contextlib.suppress(psycopg.Error, TimeoutError):
            while True:
                # There are no notifications here. The generator ends at once with the connection.
                async for _ in conn.notifies(timeout=_CHECK_SECONDS):
                    pass
                async with asyncio.timeout(_QUERY_SECONDS):
                    await conn.execute("SELECT 1")
