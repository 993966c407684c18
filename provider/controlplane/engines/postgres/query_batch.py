"""Run several queries in one round trip, without collecting rows.

psycopg's pipeline collects the rows of every query: a tenant's `INSERT … RETURNING` could fill this process's memory.
Here rows are read one at a time, so that at most one is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.generators import fetch, send
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn

from controlplane.db.pool import Connection

_FAILED: Final = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)
_COPIES: Final = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)


class QueryResults(NamedTuple):
    """The results of the queries, up to the first that failed."""

    rows: list[int | None]  # how many rows each query changed or returned; None if it is not about rows
    error: psycopg.Error | None  # the error of the query that failed


async def run_batch(conn: Connection, queries: Sequence[bytes]) -> QueryResults:
    """Send the queries together, by the extended protocol. The server skips queries after one that fails.

    A query with many rows must be near the end: data that is still to be sent waits for it.

    Raises:
        psycopg.Error: The connection is lost.
    """
    async with conn.lock:
        return await conn.wait(_exchange(conn.pgconn, queries, conn.info.encoding))


def _exchange(pgconn: PGconn, queries: Sequence[bytes], encoding: str) -> PQGen[QueryResults]:
    rows: list[int | None] = []
    error: psycopg.Error | None = None
    pgconn.enter_pipeline_mode()
    for query in queries:
        pgconn.send_query_params(query, None, result_format=Format.BINARY)
    pgconn.pipeline_sync()
    yield from send(pgconn)
    for _ in queries:
        if error is None:  # the server skips queries after one that failed
            pgconn.set_single_row_mode()
        count = 0
        while (result := (yield from fetch(pgconn))) is not None:
            if result.status in (ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_CHUNK):
                count += 1
            elif result.status in _COPIES:
                raise psycopg.OperationalError("COPY is not run here")
            elif result.status in _FAILED:
                error = error or errors.error_from_result(result, encoding)
            elif result.status is not ExecStatus.PIPELINE_ABORTED and error is None:
                rows.append(count or result.command_tuples)
    yield from fetch(pgconn)  # the result of the synchronisation
    pgconn.exit_pipeline_mode()
    return QueryResults(rows, error)
