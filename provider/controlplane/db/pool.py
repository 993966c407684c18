"""Connections to the control plane's own tables."""

from __future__ import annotations

import select
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql
from psycopg.abc import Params
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Row = dict[str, Any]
Query = LiteralString | bytes | sql.SQL | sql.Composed


class Connection(AsyncConnection[DictRow]):
    """A connection whose rows are dicts."""

    async def fetch_all(self, query: Query, parameters: Params | None = None) -> list[Row]:
        """Run a query and return all rows."""
        return await (await self.execute(query, parameters)).fetchall()

    async def fetch_one(self, query: Query, parameters: Params | None = None) -> Row | None:
        """Run a query and return its first row, or None if it has no rows."""
        return await (await self.execute(query, parameters)).fetchone()

    async def fetch_row(self, query: Query, parameters: Params | None = None) -> Row:
        """Run a query that always has a row, and return the first."""
        row = await self.fetch_one(query, parameters)
        assert row is not None
        return row

    async def fetch_column(self, query: Query, parameters: Params | None = None) -> list[Any]:
        """Run a query and return the first value of each row."""
        return [next(iter(row.values())) for row in await self.fetch_all(query, parameters)]

    async def fetch_value(self, query: Query, parameters: Params | None = None) -> Any:
        """Run a query and return the first value of its first row, or None if it has no rows."""
        return next(iter(await self.fetch_column(query, parameters)), None)


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
        connection_class=Connection,
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=2,
        max_size=MAX_CONNECTIONS,
        check=_check_alive,
        open=False,
        name="store",
    )
