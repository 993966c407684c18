"""Record of every query. It does not contain the rows of results."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from controlplane.db.pool import Connection
from controlplane.db.process_lease import WITH_LIVE_PROCESSES


@dataclass
class QueryRecord:
    """The result of a query. The migration of `query_executions` lists the values of `status` and `kind`."""

    status: str = "failed"
    sql: str | None = None
    kind: str | None = None
    error_code: str | None = None
    error: str | None = None
    rows: int | None = None
    duration_ms: int = 0


async def insert(conn: Connection, *, database_id: int, user_id: int, text: str, owner: int, now: datetime) -> int:
    """Record a query as running, and return its query_id."""
    number: int = await conn.fetch_value(
        "INSERT INTO query_executions (database_id, user_id, text, owner, created_at)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (database_id, user_id, text, owner, now),
    )
    return number


async def complete(conn: Connection, number: int, record: QueryRecord) -> None:
    """Record the result of a query."""
    await conn.execute(
        "UPDATE query_executions SET status = %(status)s, sql = %(sql)s, kind = %(kind)s, error_code = %(error_code)s,"
        " error = %(error)s, rows = %(rows)s, duration_ms = %(duration_ms)s WHERE id = %(number)s",
        {**asdict(record), "number": number},
    )


async def mark_lost(conn: Connection) -> None:
    """Mark the running queries of ended processes as lost: whether they changed data is unknown."""
    await conn.execute(
        WITH_LIVE_PROCESSES  # noqa: S608 - a constant
        + "UPDATE query_executions SET status = 'lost' WHERE status = 'running' AND owner NOT IN (TABLE living)"
    )
