"""Polytomic's operations: submit a query, fetch its result."""

from __future__ import annotations

from typing import Any

from controlplane.databases import store as databases
from controlplane.db.pool import Row
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError, invalid_field, not_found
from controlplane.http.responses import ApiResponse, format_z
from controlplane.http.validation import parse_uuid
from controlplane.vendors.polytomic import store
from controlplane.vendors.polytomic.style import STYLE
from controlplane.vendors.polytomic.worker import cleanup_worker, query_worker
from controlplane.vendors.vendor import Vendor


async def run_query(call: RequestContext) -> ApiResponse:
    """Queue a query on a connection, which is a database of the caller's teams.

    Raises:
        ApiError: 400 without a query, with a malformed id, or if the body is no object; 404 for an unknown connection.
    """
    connection_id = parse_uuid(call.path_parameters["connection_id"])
    if connection_id is None:
        raise invalid_field("connection_id", "must be a UUID")
    if not isinstance(call.body, dict):
        raise ApiError(400, "invalid_field", "The request body must be a JSON object.")
    sql = call.query.get("query", "")
    if not sql.strip():
        raise invalid_field("query", "must not be empty")
    if "\x00" in sql:
        raise invalid_field("query", "must not contain NUL characters")
    try:
        database = await databases.find(call.conn, call.principal, connection_id)
    except ApiError:
        raise not_found("connection") from None
    row = await store.insert(call.conn, call.principal, database["id"], sql, call.now)
    call.after_commit(call.services.notifiers.vendor_jobs.notify)
    return ApiResponse(200, {"data": _view(row)})


async def get_query(call: RequestContext) -> ApiResponse:
    """Return a query of the caller with its result.

    Raises:
        ApiError: 404, there is no such query, another user created it, or it has expired.
    """
    row = await store.find(call.conn, call.principal, call.uuid_parameter("id", "query"), call.now)
    if row is None:
        raise not_found("query")
    return ApiResponse(200, {"data": _view(row)})


def _view(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "status": row["status"],
        "count": row["count"],
        "error": row["error"] or "",
        "expires": format_z(row["expires_at"]),
        "fields": row["fields"],
        "results": row["results"],
    }


VENDOR = Vendor(
    STYLE,
    (
        Operation(
            "POST",
            "/api/connections/{connection_id}/query",
            "polytomicRunQuery",
            ("queries:write",),
            run_query,
            has_body=True,
        ),
        Operation("GET", "/api/queries/{id}", "polytomicGetQuery", ("queries:write",), get_query),
    ),
    (query_worker, cleanup_worker),
)
