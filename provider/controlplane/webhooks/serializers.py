"""The API's objects WebhookEndpoint and WebhookDelivery. Their times have no zone (api-facts C8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controlplane.db.pool import Row
from controlplane.http.responses import format_naive


def endpoint_view(row: Row) -> dict[str, Any]:
    """Return an endpoint without its secret, which only the response to the create contains."""
    return {
        "object": "webhook_endpoint",
        "id": row["id"],
        "url": row["url"],
        "events": row["events"],
        "status": row["status"],
        "last_success_at": _format_or_none(row["last_success_at"]),
        "last_failure_at": _format_or_none(row["last_failure_at"]),
        "created_at": format_naive(row["created_at"]),
    }


def delivery_view(row: Row) -> dict[str, Any]:
    """Return a delivery. `response_code` and `error_message` are those of the latest attempt."""
    return {
        "object": "webhook_delivery",
        "id": row["id"],
        "endpoint_id": row["endpoint_id"],
        "event_type": row["event_type"],
        "status": row["status"],
        "response_code": row["response_code"],
        "error_message": row["error_message"],
        "attempt_count": row["attempt_count"],
        "created_at": format_naive(row["created_at"]),
    }


def _format_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else format_naive(moment)
