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

# A request uses a connection only while its handler runs, not while it waits for provisioning.
MAX_CONNECTIONS = 16


async def execute_unprepared(conn: Connection, statement: sql.Composed) -> None:
    """Run a statement that is never repeated, because it names roles or databases.

    psycopg forgets all prepared statements of a connection that runs ALTER or DROP, in case it was about one of their
    tables. It ignores statements that are not to be prepared themselves.
    """
    threshold, conn.prepare_threshold = conn.prepare_threshold, None
    try:
        await conn.execute(statement)
    finally:
        conn.prepare_threshold = threshold


async def _check_alive(conn: Connection) -> None:
    """Check a connection that was idle in the pool.

    The end of a connection is visible on its socket. A system call finds it, without a query at every use.

    Raises:
        psycopg.OperationalError: The server has ended the connection.
    """
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(conn)


def make_pool(conninfo: str) -> Pool:
    """Return a closed pool of autocommit connections whose rows are dicts. Use `conn.transaction()`."""
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
