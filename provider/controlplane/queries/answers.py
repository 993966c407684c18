"""Configured answers to queries: those that the admin API sets, in the store, and those of the seed file."""

from __future__ import annotations

from controlplane.db.pool import Connection, Row
from controlplane.query_answers import QueryAnswer, find_answer, query_key
from controlplane.services import Services


async def find(services: Services, query: str, db_type: str) -> str | None:
    """Return the SQL that is set for a query on a database of this engine, or None.

    The admin API's answers take precedence over the seed file's, and an answer for one engine over an answer for all.
    """
    if services.settings.has_admin:
        async with services.pool.connection() as conn:
            sql: str | None = await conn.fetch_value(
                "SELECT sql FROM query_answers WHERE query_key = %s AND (db_type IS NULL OR db_type = %s)"
                " ORDER BY db_type NULLS LAST LIMIT 1",
                (query_key(query), db_type),
            )
        if sql is not None:
            return sql
    return find_answer(services.query_answers, query, db_type)


async def put(conn: Connection, answer: QueryAnswer) -> Row:
    """Set an answer, and return its row. It replaces an earlier answer to the same text and engine."""
    return await conn.fetch_row(
        "INSERT INTO query_answers (query_key, query, sql, db_type) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (query_key, db_type) DO UPDATE SET query = excluded.query, sql = excluded.sql RETURNING *",
        (query_key(answer.query), answer.query, answer.sql, answer.db_type),
    )


async def list_all(conn: Connection) -> list[Row]:
    """Return all rows, oldest first."""
    return await conn.fetch_all("SELECT * FROM query_answers ORDER BY id")


async def delete_all(conn: Connection) -> int:
    """Delete all rows, and return their number."""
    return (await conn.execute("DELETE FROM query_answers")).rowcount


async def delete(conn: Connection, number: int) -> bool:
    """Delete a row, and return whether it existed."""
    return bool((await conn.execute("DELETE FROM query_answers WHERE id = %s", (number,))).rowcount)
