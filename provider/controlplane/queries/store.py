"""Record of every query. It does not contain the rows of results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controlplane.db.pool import Connection
from controlplane.db.process_lease import is_alive


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
    cursor = await conn.execute(
        "INSERT INTO query_executions (database_id, user_id, text, owner, created_at)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (database_id, user_id, text, owner, now),
    )
    row = await cursor.fetchone()
    assert row is not None
    number: int = row["id"]
    return number


async def complete(conn: Connection, number: int, record: QueryRecord) -> None:
    """Record the result of a query."""
    await conn.execute(
        "UPDATE query_executions SET status = %s, sql = %s, kind = %s, error_code = %s, error = %s, rows = %s,"
        " duration_ms = %s WHERE id = %s",
        (
            record.status,
            record.sql,
            record.kind,
            record.error_code,
            record.error,
            record.rows,
            record.duration_ms,
            number,
        ),
    )


async def mark_lost(conn: Connection) -> None:
    """Mark the running queries of ended processes as lost: whether they changed data is unknown."""
    cursor = await conn.execute("SELECT DISTINCT owner FROM query_executions WHERE status = 'running'")
    for row in await cursor.fetchall():
        if not await is_alive(conn, row["owner"]):
            await conn.execute(
                "UPDATE query_executions SET status = 'lost' WHERE status = 'running' AND owner = %s", (row["owner"],)
            )
