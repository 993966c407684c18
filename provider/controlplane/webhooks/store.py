"""Rows of endpoints and deliveries. An endpoint belongs to a user; a revoked one stays (api-facts S29)."""

from __future__ import annotations

import re
from typing import Any, LiteralString

from controlplane.db.pool import Connection, Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import invalid_cursor, not_found
from controlplane.http.responses import Page
from controlplane.webhooks.delivery import new_secret

_DIGITS = re.compile(r"[0-9]{1,18}")
_NEWEST_FIRST = " ORDER BY created_at DESC, id DESC LIMIT %s"
_BEFORE = " AND (created_at, id) < (%s, %s)"

_ENDPOINT = "SELECT * FROM webhook_endpoints WHERE id = %s AND user_id = %s"
_ENDPOINTS = "SELECT * FROM webhook_endpoints WHERE user_id = %s"
_DELIVERY = "SELECT * FROM webhook_deliveries WHERE id = %s AND endpoint_id = %s"
_DELIVERIES = "SELECT * FROM webhook_deliveries WHERE endpoint_id = %s"


async def find_or_404(call: RequestContext, *, lock: bool = False) -> Row:
    """Return the caller's endpoint that the path names, active or revoked.

    Args:
        call: The API call.
        lock: Whether to lock the row until the end of the transaction.

    Raises:
        ApiError: 404, the caller has no such endpoint.
    """
    number = call.integer_parameter("id", "webhook_endpoint")
    query: LiteralString = _ENDPOINT + " FOR UPDATE" if lock else _ENDPOINT
    cursor = await call.conn.execute(query, (number, call.principal.user_id))
    row = await cursor.fetchone()
    if row is None:
        raise not_found("webhook_endpoint")
    return row


async def insert(call: RequestContext, url: str, events: list[str]) -> Row:
    """Insert an endpoint with a new secret, and return its row."""
    cursor = await call.conn.execute(
        "INSERT INTO webhook_endpoints (user_id, url, events, secret, created_at) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING *",
        (call.principal.user_id, url, events, new_secret(), call.now),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


async def list_endpoints(conn: Connection, user_id: int, page: Page) -> list[Row]:
    """Return up to `page.fetch` endpoints of a user, newest first.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no endpoint of the user.
    """
    return await _list_page(conn, _ENDPOINTS, _ENDPOINT, user_id, page)


async def list_deliveries(conn: Connection, endpoint_id: int, page: Page) -> list[Row]:
    """Return up to `page.fetch` deliveries to an endpoint, newest first.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no delivery to the endpoint.
    """
    return await _list_page(conn, _DELIVERIES, _DELIVERY, endpoint_id, page)


async def _list_page(
    conn: Connection, list_query: LiteralString, row_query: LiteralString, parent: int, page: Page
) -> list[Row]:
    if page.starting_after is None:
        cursor = await conn.execute(list_query + _NEWEST_FIRST, (parent, page.fetch))
        return await cursor.fetchall()
    last = await _cursor_row(conn, row_query, parent, page.starting_after)
    parameters: tuple[Any, ...] = (parent, last["created_at"], last["id"], page.fetch)
    cursor = await conn.execute(list_query + _BEFORE + _NEWEST_FIRST, parameters)
    return await cursor.fetchall()


async def _cursor_row(conn: Connection, query: LiteralString, parent: int, starting_after: str) -> Row:
    if not _DIGITS.fullmatch(starting_after):
        raise invalid_cursor()
    cursor = await conn.execute(query, (int(starting_after), parent))
    row = await cursor.fetchone()
    if row is None:
        raise invalid_cursor()
    return row
