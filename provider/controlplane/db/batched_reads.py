"""Reads of rows by key, where those that wait at the same time share one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any

from controlplane.db.pool import Connection, Pool, Row

ReadRows = Callable[[Connection, Sequence[Any]], Awaitable[Mapping[Any, Row]]]
"""Reads the rows of all these keys with one query. Keys without a row are missing from the result.

Write `= ANY(ARRAY(SELECT unnest(%s::uuid[])))`, so that PostgreSQL plans a prepared statement once. With `= ANY(%s)` it
plans again for each array, which takes longer than the query.
"""

_Batch = list[tuple[Hashable, asyncio.Future[Row | None]]]


class BatchedReads:
    """Reads rows by key over connections of the pool.

    A query starts after all calls that receive its rows. A result is therefore as fresh as that of a query of
    one's own, and a change that was committed before the call is always seen. Nothing is stored.

    Do not hold a connection of the pool while you wait here: the query needs one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[ReadRows, _Batch] = {}
        self._tasks: dict[ReadRows, asyncio.Task[None]] = {}

    async def get(self, read: ReadRows, key: Hashable) -> Row | None:
        """Return the row of a key, or None. Others may receive the same dict: do not change it.

        Args:
            read: Reads the rows. Calls with the same function share a query.
            key: The key.

        Raises:
            psycopg.Error: The query failed.
            psycopg_pool.PoolTimeout: There was no free connection.
        """
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(read, []).append((key, future))
        if read not in self._tasks:
            self._tasks[read] = asyncio.create_task(self._run(read))
        return await future

    async def _run(self, read: ReadRows) -> None:
        """Run queries, one after the other, until no one waits."""
        while read in self._waiting:
            batch: _Batch = []
            try:
                async with self._pool.connection() as conn:
                    while batch := self._waiting.pop(read, []):
                        rows = await read(conn, list({key for key, _ in batch}))
                        for key, future in batch:
                            if not future.done():
                                future.set_result(rows.get(key))
            except Exception as error:
                for _, future in batch or self._waiting.pop(read, []):
                    if not future.done():
                        future.set_exception(error)
        del self._tasks[read]
