"""Outbox: an event becomes deliveries in the transaction that causes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controlplane.db.pool import Connection
from controlplane.http.context import RequestContext
from controlplane.http.responses import format_offset


def event_body(event: str, data: Mapping[str, Any], now: datetime) -> str:
    """Return the JSON text to sign and send. It is stored, so that every attempt sends the same bytes."""
    body = {"event": event, "timestamp": format_offset(now), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


async def emit(call: RequestContext, event: str, team_id: int, data: Mapping[str, Any]) -> None:
    """Queue an event in the transaction of `call`, and wake the delivery workers after its commit.

    `data` is the object, without password and without full connection string.
    """
    if await enqueue(call.conn, team_id=team_id, event=event, data=data, now=call.now):
        call.after_commit(call.services.notifiers.deliveries.notify)


async def enqueue(conn: Connection, *, team_id: int, event: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Queue a delivery of an event to every active endpoint of the team's members that subscribes to it.

    An endpoint belongs to a user (operation 12 names no team), who receives the events of all databases that they can
    see. The deliveries exist only if the transaction of `conn` commits. After that, the caller notifies
    `notifiers.deliveries`. `data` is the object, without password and without full connection string.

    Returns:
        Whether a delivery was queued.
    """
    cursor = await conn.execute(
        "INSERT INTO webhook_deliveries (endpoint_id, event_type, body, not_before, created_at)"
        " SELECT e.id, %(event)s, %(body)s, %(now)s, %(now)s FROM webhook_endpoints e"
        " JOIN memberships m ON m.user_id = e.user_id AND m.team_id = %(team_id)s"
        " WHERE e.status = 'active' AND (e.events = '{}' OR %(event)s = ANY(e.events)) ORDER BY e.id",
        {"team_id": team_id, "event": event, "body": event_body(event, data, now), "now": now},
    )
    return cursor.rowcount > 0
