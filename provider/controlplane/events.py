"""The way of an event from the rooms to the webhooks' outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controlplane.store.pool import Connection


async def emit(conn: Connection, *, team_id: int, event: str, data: Mapping[str, Any], now: datetime) -> None:
    """Write `event` to the outbox in the transaction of `conn`; it is delivered only if that commits."""
    try:
        from controlplane.webhooks.outbox import emit as write
    except ModuleNotFoundError:
        return

    await write(conn, team_id=team_id, event=event, data=dict(data), now=now)
