"""Rows of endpoints and deliveries. An endpoint belongs to a user; a revoked one stays (api-facts S29)."""

from __future__ import annotations

import re
from typing import LiteralString

from controlplane.db.pool import Connection, Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import not_found
from controlplane.http.paging import fetch_page
from controlplane.http.responses import Page
from controlplane.webhooks.delivery import new_secret

_DIGITS = re.compile(r"[0-9]{1,18}")

_ENDPOINT = "SELECT * FROM webhook_endpoints WHERE id = %s AND user_id = %s"
_ENDPOINTS = "SELECT * FROM webhook_endpoints WHERE user_id = %s"
_DELIVERY = "SELECT * FROM webhook_deliveries WHERE id = %s AND endpoint_id = %s"
_DELIVERIES = "SELECT * FROM webhook_deliveries WHERE endpoint_id = %s"


async def find_or_404(call: RequestContext, *, lock: bool = False) -> Row:
    """Return the caller's endpoint that the path names, active or revoked.

    `lock` locks the row until the end of the transaction.

    Raises:
        ApiError: 404, the caller has no such endpoint.
    """
    number = call.integer_parameter("id", "webhook_endpoint")
    query: LiteralString = _ENDPOINT + " FOR UPDATE" if lock else _ENDPOINT
    row = await call.conn.fetch_one(query, (number, call.principal.user_id))
    if row is None:
        raise not_found("webhook_endpoint")
    return row


async def insert(call: RequestContext, url: str, events: list[str]) -> Row:
    """Insert an endpoint with a new secret, and return its row."""
    return await call.conn.fetch_row(
        "INSERT INTO webhook_endpoints (user_id, url, events, secret, created_at) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING *",
        (call.principal.user_id, url, events, new_secret(), call.now),
    )


async def list_endpoints(conn: Connection, user_id: int, page: Page) -> list[Row]:
    """Return up to `page.fetch` endpoints of a user, newest first.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no endpoint of the user.
    """
    return await _list_page(conn, page, _ENDPOINTS, _ENDPOINT, user_id)


async def list_deliveries(conn: Connection, endpoint_id: int, page: Page) -> list[Row]:
    """Return up to `page.fetch` deliveries to an endpoint, newest first.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no delivery to the endpoint.
    """
    return await _list_page(conn, page, _DELIVERIES, _DELIVERY, endpoint_id)


async def _list_page(
    conn: Connection, page: Page, query: LiteralString, cursor_query: LiteralString, parent: int
) -> list[Row]:
    after = page.starting_after or ""
    cursor = int(after) if _DIGITS.fullmatch(after) else None
    return await fetch_page(conn, page, query, (parent,), cursor_query=cursor_query, cursor=cursor)
