"""The console's pages of webhook endpoints and their deliveries. Signing secrets are not even read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.console.list_query import paginate, parse_query, pluralize
from controlplane.console.templates import Page
from controlplane.db.pool import Connection, Row
from controlplane.request_log.redaction import redact_url
from controlplane.services import Services

_STATES = (("", "any"), ("active", "active"), ("revoked", "revoked"))
_STATUSES = (("", "any"), ("pending", "pending"), ("delivered", "delivered"), ("failed", "failed"))
_ENDPOINT = (
    "SELECT e.id, e.url, e.events, e.status, e.last_success_at, e.last_failure_at, e.created_at, u.email"
    " FROM webhook_endpoints e JOIN users u ON u.id = e.user_id"
)
# Only the host of the URL is searched: the path is masked, and a search could guess it letter by letter.
# Deliveries are counted for the page's endpoints only.
_LIST = (
    "SELECT e.*, c.* FROM ("  # noqa: S608 - our own text
    + _ENDPOINT
    + " WHERE (%(status)s = '' OR e.status = %(status)s)"
    " AND (%(pattern)s::text IS NULL OR concat_ws(' ', e.id, u.email,"
    " substring(e.url from '://(?:[^/?#]*@)?([^/?#]*)'), array_to_string(e.events, ' ')) ILIKE %(pattern)s)"
    " ORDER BY e.id DESC OFFSET %(offset)s LIMIT %(fetch)s) e,"
    " LATERAL (SELECT count(*) FILTER (WHERE w.status = 'pending') AS pending,"
    " count(*) FILTER (WHERE w.status = 'delivered') AS delivered,"
    " count(*) FILTER (WHERE w.status = 'failed') AS failed"
    " FROM webhook_deliveries w WHERE w.endpoint_id = e.id) c ORDER BY e.id DESC"
)
_ONE = _ENDPOINT + " WHERE e.id = %s"
_DELIVERIES = (
    "SELECT w.id, w.event_type, w.status, w.response_code, w.error_message, w.attempt_count, w.not_before,"
    " w.created_at, w.owner IS NOT NULL AS is_under_way,"
    " w.body::json -> 'data' ->> 'uuid' AS database_uuid, w.body::json -> 'data' ->> 'name' AS database_name"
    " FROM webhook_deliveries w WHERE w.endpoint_id = %(id)s AND (%(status)s = '' OR w.status = %(status)s)"
    " AND (%(pattern)s::text IS NULL OR concat_ws(' ', w.id, w.event_type, w.response_code, w.error_message,"
    " w.body::json -> 'data' ->> 'uuid', w.body::json -> 'data' ->> 'name') ILIKE %(pattern)s)"
    " ORDER BY w.created_at DESC, w.id DESC OFFSET %(offset)s LIMIT %(fetch)s"
)


async def list_page(_: Services, conn: Connection, query: Mapping[str, str], _path: Mapping[str, Any]) -> Page:
    """Return the page `/console/webhooks`."""
    list_query = parse_query("/console/webhooks", query, (("status", "Status", _STATES),))
    rows = await conn.fetch_all(_LIST, list_query.parameters)
    shown = paginate(list_query, [_redacted(row) for row in rows])
    pending = sum(row["pending"] for row in shown.rows)
    return Page(
        template="webhooks.html",
        title="Webhooks",
        section="webhooks",
        summary=f"{pluralize(len(shown.rows), 'endpoint')} on this page, {pluralize(pending, 'delivery')} pending",
        context={"shown": shown},
        list_query=list_query,
        searches="number, host, event or user",
    )


async def detail_page(_: Services, conn: Connection, query: Mapping[str, str], path: Mapping[str, Any]) -> Page | None:
    """Return the page `/console/webhooks/{id}`: the endpoint and its deliveries. None if there is no such endpoint."""
    if path["id"] >= 2**31:
        return None
    endpoint = await conn.fetch_one(_ONE, (path["id"],))
    if endpoint is None:
        return None
    list_query = parse_query(f"/console/webhooks/{path['id']}", query, (("status", "Status", _STATUSES),))
    rows = await conn.fetch_all(
        _DELIVERIES,
        {"id": path["id"], **list_query.parameters},
    )
    shown = paginate(list_query, rows)
    pending = sum(row["status"] == "pending" for row in shown.rows)
    return Page(
        template="webhook.html",
        title=f"Webhook endpoint {endpoint['id']}",
        section="webhooks",
        summary=f"{pluralize(len(shown.rows), 'delivery')} on this page, {pending} pending",
        context={"endpoint": _redacted(endpoint), "shown": shown},
        back="/console/webhooks",
        list_query=list_query,
        searches="number, event, code, error or database",
    )


def _redacted(row: Row) -> Row:
    return {**row, "url": redact_url(row["url"])}
