"""An inbox for webhooks in the control plane itself: an endpoint whose URL is `<origin>/_polykomos/inbox/<name>`.

`?status=503` in that URL makes the inbox answer with this status, for tests of retries.
"""

from __future__ import annotations

import json
from typing import Any

from psycopg.types.json import Json
from starlette.responses import JSONResponse

from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.http.errors import invalid_field
from controlplane.http.responses import format_z
from controlplane.http.validation import read_body
from controlplane.webhooks.delivery import is_signed

_MAX_MESSAGES = 500  # of one name
# The limits of all names together: anyone who reaches the port can invent names, and the store is on the user's disk.
_MAX_ALL_MESSAGES, _MAX_BYTES = 1000, 64 * 1024 * 1024
_TRIM = (
    "DELETE FROM inbox WHERE id <= (SELECT max(id) FROM (SELECT id, row_number() OVER newest AS place,"
    " sum(octet_length(body)) OVER newest AS bytes FROM inbox WINDOW newest AS (ORDER BY id DESC)) counted"
    " WHERE place > %s OR bytes > %s)"
)
_HEADERS = ("content-type", "user-agent", "x-polykomos-event", "x-polykomos-delivery", "x-polykomos-signature")


async def receive(call: AdminRequest) -> JSONResponse:
    """Store a message, in place of the oldest if there are too many, and answer with the status in the URL."""
    name, status = call.request.path_params["name"], call.request.query_params.get("status", "200")
    if not (len(status) == 3 and status.isdecimal() and 200 <= int(status) <= 599):
        raise invalid_field("status", "must be a status from 200 to 599")
    body = (await read_body(call.request)).decode("utf-8", "replace").replace("\x00", "\ufffd")
    headers = {name: call.request.headers[name] for name in _HEADERS if name in call.request.headers}
    async with call.services.pool.connection() as conn, conn.transaction():
        await conn.execute(
            "INSERT INTO inbox (name, headers, body, received_at) VALUES (%s, %s, %s, %s)",
            (name, Json(headers), body, call.services.clock.now()),
        )
        await conn.execute(
            "DELETE FROM inbox WHERE name = %(name)s AND id <="
            " (SELECT id FROM inbox WHERE name = %(name)s ORDER BY id DESC OFFSET %(most)s LIMIT 1)",
            {"name": name, "most": _MAX_MESSAGES},
        )
        await conn.execute(_TRIM, (_MAX_ALL_MESSAGES, _MAX_BYTES))
    return JSONResponse({}, status_code=int(status))


async def list_inbox(call: AdminRequest) -> list[dict[str, Any]]:
    """Return the messages, oldest first.

    `is_signed` says whether the signature matches the secret of the endpoint that sent the message.
    """
    async with call.services.pool.connection() as conn:
        rows = await conn.fetch_all(
            "SELECT i.*, e.secret FROM inbox i"
            " LEFT JOIN webhook_deliveries d ON d.id::text = i.headers ->> 'x-polykomos-delivery'"
            " LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE i.name = %s ORDER BY i.id",
            (call.request.path_params["name"],),
        )
        return [_view(row) for row in rows]


async def clear_inbox(call: AdminRequest) -> dict[str, Any]:
    """Delete the messages of an inbox."""
    async with call.services.pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM inbox WHERE name = %s", (call.request.path_params["name"],))
    return {"removed": cursor.rowcount}


def _view(row: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(row["body"])
    except ValueError:
        body = row["body"]
    signature = row["headers"].get("x-polykomos-signature", "")
    return {
        "id": row["id"],
        "received_at": format_z(row["received_at"]),
        "headers": row["headers"],
        "body": body,
        "is_signed": bool(row["secret"]) and is_signed(row["secret"], row["body"].encode(), signature),
    }


ROUTES = (
    AdminRoute("POST", "/inbox/{name}", receive, public=True),
    AdminRoute("GET", "/inbox/{name}", list_inbox),
    AdminRoute("DELETE", "/inbox/{name}", clear_inbox),
)
