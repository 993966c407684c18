"""Read one page of a list from the store."""

from __future__ import annotations

from typing import Any, LiteralString

from controlplane.db.pool import Connection, Row
from controlplane.http.errors import invalid_cursor
from controlplane.http.responses import Page


async def fetch_page(
    conn: Connection,
    page: Page,
    query: LiteralString,
    parameters: tuple[Any, ...],
    *,
    cursor_query: LiteralString,
    cursor: object,
    prefix: LiteralString = "",
) -> list[Row]:
    """Return up to `page.fetch` rows, newest first.

    Args:
        conn: A connection to the store.
        page: The page.
        query: A SELECT with a WHERE that selects the list.
        parameters: The parameters of `query`.
        cursor_query: Selects `created_at` and `id` of the row with the cursor (first parameter) among `parameters`.
        cursor: The parsed cursor; None if it cannot be parsed.
        prefix: The alias of the table in `query`, with a dot.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no row of the list.
    """
    if page.starting_after is not None:
        last = await conn.fetch_one(cursor_query, (cursor, *parameters))
        if last is None:
            raise invalid_cursor()
        query += f" AND ({prefix}created_at, {prefix}id) < (%s, %s)"
        parameters += (last["created_at"], last["id"])
    query += f" ORDER BY {prefix}created_at DESC, {prefix}id DESC LIMIT %s"
    return await conn.fetch_all(query, (*parameters, page.fetch))
