"""The table of the request log, shared by all processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from controlplane.db.pool import Connection
from controlplane.request_log.recorder import MOST, Entry

_INSERT = (
    "COPY request_log (at, request_id, key_id, key_preview, method, target, operation, status, code, ms, headers,"
    " request_body, request_is_cut, response_body, response_is_cut) FROM STDIN"
)
_WHOLE = "SELECT *"
_WITHOUT_BODIES = (
    "SELECT id, at, request_id, key_id, key_preview, method, target, operation, status, code, ms, headers,"
    " NULL AS request_body, request_is_cut, '' AS response_body, response_is_cut"
)
_RECENT = (
    " FROM request_log WHERE (%(before)s::bigint IS NULL OR id < %(before)s)"
    " AND (%(low)s::integer IS NULL OR status BETWEEN %(low)s AND %(high)s)"
    " AND (%(operation)s::text IS NULL OR operation = %(operation)s)"
    " AND (%(text)s::text IS NULL OR strpos(lower(concat_ws(' ', method, target, operation, status, code, key_preview,"
    " request_id, request_body, response_body)), lower(%(text)s)) > 0)"
    " ORDER BY id DESC OFFSET %(offset)s LIMIT %(limit)s"
)


async def write(conn: Connection, entries: Sequence[Entry]) -> None:
    """Add entries, oldest first."""
    async with conn.cursor() as cursor, cursor.copy(_INSERT) as copy:
        for entry in entries:
            await copy.write_row(_row(entry))


async def delete_old(conn: Connection) -> None:
    """Delete all but the newest MOST entries."""
    await conn.execute(
        "DELETE FROM request_log WHERE id <= (SELECT id FROM request_log ORDER BY id DESC OFFSET %s LIMIT 1)", (MOST,)
    )


def _row(entry: Entry) -> tuple[Any, ...]:
    """Return the columns of _INSERT."""
    return (
        entry.at,
        entry.request_id,
        entry.key_id,
        entry.key_preview,
        entry.method,
        entry.target,
        entry.operation,
        entry.status,
        entry.code,
        entry.ms,
        json.dumps(entry.headers),
        entry.request_body,
        entry.request_is_cut,
        entry.response_body,
        entry.response_is_cut,
    )


async def list_recent(
    conn: Connection,
    limit: int,
    *,
    before: int | None = None,
    offset: int = 0,
    statuses: tuple[int, int] | None = None,
    operation: str | None = None,
    text: str | None = None,
    with_bodies: bool = True,
) -> list[Entry]:
    """Return up to `limit` entries, newest first.

    Args:
        conn: A connection to the store.
        limit: How many entries.
        before: Only entries with a smaller id, such as the last one of the previous page.
        offset: How many of the newest to skip.
        statuses: The lowest and the highest status.
        operation: Only entries of this operation.
        text: Only entries with this text in method, path, codes, ids or bodies, in any case.
        with_bodies: Otherwise bodies are left empty, because those of a long list are megabytes.
    """
    low, high = statuses or (None, None)
    cursor = await conn.execute(
        (_WHOLE if with_bodies else _WITHOUT_BODIES) + _RECENT,
        {
            "limit": limit,
            "offset": offset,
            "before": before,
            "low": low,
            "high": high,
            "operation": operation,
            "text": text or None,
        },
    )
    return [Entry(**row) for row in await cursor.fetchall()]


async def find(conn: Connection, number: int) -> Entry | None:
    """Return one entry, or None if it does not exist or was dropped."""
    cursor = await conn.execute("SELECT * FROM request_log WHERE id = %s", (number,))
    row = await cursor.fetchone()
    return None if row is None else Entry(**row)
