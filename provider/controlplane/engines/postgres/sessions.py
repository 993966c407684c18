"""Sessions in which a tenant's SQL runs, separated from our own statements.

A tenant's SQL can change every setting of its session, also by functions, and its role's defaults. A session is
therefore opened with the settings that we rely on, and `pin` sets them again before each statement. A function may
catch a time-out, so a limit of time is enforced from outside: the backend is ended. Results are recorded over another
connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from controlplane.db.pool import Connection, Pool
from controlplane.db.server import Server

# The server notices a lost client within this time, also during a statement.
_CLIENT_CHECK_MS: Final = 1_000
_FIRST_WITH_TRANSACTION_TIMEOUT: Final = 170_000
_log = logging.getLogger("controlplane.engines.postgres")


async def open_session(server: Server, dbname: str, *, user: str, password: str) -> Connection:
    """Open a connection for a tenant's SQL. Its settings take precedence over the defaults of the role.

    Nothing is prepared on it: the SQL may drop prepared statements. The caller closes it.

    Raises:
        psycopg.OperationalError: The server refuses the connection.
    """
    conn = await server.connect(
        dbname,
        user=user,
        password=password,
        settings={
            "client_min_messages": "error",
            "client_connection_check_interval": str(_CLIENT_CHECK_MS),
            "idle_in_transaction_session_timeout": "0",
            "idle_session_timeout": "0",
            "standard_conforming_strings": "on",
            "statement_timeout": "0",
            "lock_timeout": "0",
        },
    )
    conn.prepare_threshold = None
    if conn.info.server_version >= _FIRST_WITH_TRANSACTION_TIMEOUT:
        await conn.execute("SET transaction_timeout = 0")
    return conn


@contextlib.asynccontextmanager
async def closing(conn: Connection) -> AsyncIterator[None]:
    """Close the connection at the end. A running statement is not awaited, and the server rolls it back."""
    try:
        yield
    finally:
        await conn.close()


def pin(conn: Connection, statement_ms: int, lock_ms: int) -> bytes:
    """Return a query that sets the settings we rely on until the transaction ends.

    Send it before each statement of a tenant. The text of a statement is read by the settings at its beginning, so each
    is read as UTF-8 with standard strings.
    """
    return _pin(statement_ms, lock_ms, conn.info.server_version >= _FIRST_WITH_TRANSACTION_TIMEOUT)


@functools.lru_cache(maxsize=256)
def _pin(statement_ms: int, lock_ms: int, has_transaction_timeout: bool) -> bytes:  # noqa: FBT001 - a cache's key
    values = {
        "statement_timeout": int(statement_ms),
        "lock_timeout": int(lock_ms),
        "idle_in_transaction_session_timeout": 0,
        "client_connection_check_interval": _CLIENT_CHECK_MS,
        "client_encoding": "UTF8",
        "standard_conforming_strings": "on",
        "client_min_messages": "error",
        **({"transaction_timeout": 0} if has_transaction_timeout else {}),
    }
    # Qualified, because the tenant sets the search path.
    calls = ", ".join(f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in values.items())
    return f"SELECT {calls}".encode()


def is_utf8(conn: Connection) -> bool:
    """Return whether the server sends UTF-8, as far as it has reported."""
    return conn.info.parameter_status("client_encoding") in (None, "UTF8")


@dataclass
class OverdueSession:
    """The state of a session with a limit of time."""

    is_over: bool = False  # whether the backend was ended because the time was over


@contextlib.asynccontextmanager
async def ended_after(pool: Pool, conn: Connection, seconds: float) -> AsyncIterator[OverdueSession]:
    """End the session's backend from outside if the block takes longer. Waiting calls then get an error."""
    overdue = OverdueSession()

    async def end() -> None:
        await asyncio.sleep(seconds)
        overdue.is_over = True
        _log.warning("a session was ended from outside", extra={"facts": {"seconds": round(seconds, 1)}})
        while True:
            with contextlib.suppress(Exception):
                await end_backend(pool, pid)
            await asyncio.sleep(1)

    pid = conn.info.backend_pid
    task = asyncio.create_task(end())
    try:
        yield overdue
    finally:
        task.cancel()


async def end_backend(pool: Pool, pid: int) -> None:
    """End a backend. It is no error if the backend is gone."""
    async with pool.connection() as conn:
        await conn.execute("SELECT pg_terminate_backend(%s)", (pid,))
