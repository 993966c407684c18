"""Rows of Polytomic's queries. The SQL is cleared when the query has ended, the result when it expires."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.types.json import Json

from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.http.principal import Principal

# The page names no time.
LIFETIME: Final = timedelta(hours=1)
LOST: Final = "The service was restarted while the query ran. It may have been carried out."


async def insert(conn: Connection, principal: Principal, database_id: int, sql: str, now: datetime) -> Row:
    """Queue a query."""
    return await conn.fetch_row(
        "INSERT INTO polytomic_queries (id, user_id, database_id, sql, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING *",
        (uuid4(), principal.user_id, database_id, sql, now, now + LIFETIME),
    )


async def find(conn: Connection, principal: Principal, id: UUID, now: datetime) -> Row | None:
    """Return a query of the caller that has not expired, or None."""
    return await conn.fetch_one(
        "SELECT * FROM polytomic_queries WHERE id = %s AND user_id = %s AND expires_at > %s",
        (id, principal.user_id, now),
    )


async def claim(conn: Connection, process: int) -> Row | None:
    """Return the next queued query, which is this process's from now on, or None."""
    return await conn.fetch_one(
        WITH_LIVE_PROCESSES + " UPDATE polytomic_queries SET status = 'running', owner = %(me)s WHERE id = ("  # noqa: S608
        "  SELECT id FROM polytomic_queries WHERE status = 'created' AND %(me)s IN (TABLE living)"
        "  ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        {"me": process},
    )


async def complete(
    conn: Connection, id: UUID, rows: list[dict[str, Any]], count: int, error: str | None = None
) -> None:
    """Record the result of a query, or its error."""
    await conn.execute(
        "UPDATE polytomic_queries SET status = %s, sql = NULL, owner = NULL, fields = %s, results = %s, count = %s,"
        " error = %s WHERE id = %s AND status = 'running'",
        ("failed" if error else "done", Json(list(rows[0]) if rows else []), Json(rows), count, error, id),
    )


async def clean(conn: Connection, now: datetime) -> None:
    """Fail the running queries of ended processes, and delete the expired ones."""
    await conn.execute(
        WITH_LIVE_PROCESSES + " UPDATE polytomic_queries SET status = 'failed', sql = NULL, owner = NULL, error = %s"  # noqa: S608
        " WHERE status = 'running' AND owner NOT IN (TABLE living)",
        (LOST,),
    )
    await conn.execute("DELETE FROM polytomic_queries WHERE expires_at <= %s AND status <> 'running'", (now,))
