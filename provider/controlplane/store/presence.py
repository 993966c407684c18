"""The number of this process, for as long as the server can see that it is there.

A connection can end though the process lives on: a server that restarts, one of whose backends crashed, a session that
was terminated, a network. From then on everybody takes the process for dead and its work for abandoned. So it must not
claim anything by that number any more, ends what it is at, and takes another number.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg

from controlplane.store import liveness
from controlplane.store.pool import Connection
from controlplane.store.server import CONTROL_DATABASE, Server

_ASK_EVERY: Final = 1.0  # seconds; an end that the network does not tell of is found by asking
_PATIENCE: Final = 5.0  # seconds for the answer


class ProcessLease:
    """number: 0 before the first `take`."""

    def __init__(self, server: Server) -> None:
        self.number = liveness.NO_OWNER
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
        self.number = await liveness.acquire_number(self._conn)
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
