"""Connections to the control plane's own tables."""

from __future__ import annotations

import select
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Row = dict[str, Any]
Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# One request holds one connection only while its handler runs, not while it waits for provisioning.
MAX_CONNECTIONS = 16


async def execute_unprepared(conn: Connection, statement: sql.Composed) -> None:
    """Run what comes never again: it names roles or databases.

    psycopg forgets all that it has prepared on a connection that runs ALTER or DROP, in case that was about one of its
    tables. Of statements that are not to be prepared themselves it takes no notice.
    """
    threshold, conn.prepare_threshold = conn.prepare_threshold, None
    try:
        await conn.execute(statement)
    finally:
        conn.prepare_threshold = threshold


async def _check_alive(conn: Connection) -> None:
    """Raises psycopg.OperationalError for a connection that the server has ended while nobody used it.

    That is heard on its socket: a call of the kernel tells, not a question to the server at every use.
    """
    ear = select.poll()
    ear.register(conn.fileno(), select.POLLIN)
    if ear.poll(0):
        await AsyncConnectionPool.check_connection(conn)


def make_pool(conninfo: str) -> Pool:
    """A pool (not opened yet) of autocommit connections whose rows are dicts; use `conn.transaction()`."""
    return AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[DictRow],
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=2,
        max_size=MAX_CONNECTIONS,
        check=_check_alive,
        open=False,
        name="store",
    )
