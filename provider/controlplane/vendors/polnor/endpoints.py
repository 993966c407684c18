"""Serving endpoints."""

from __future__ import annotations

from typing import Any, Final

import psycopg.errors
from pydantic import Field

from controlplane.db.pool import Row
from controlplane.http.context import Operation, RequestContext
from controlplane.http.responses import ApiResponse
from controlplane.http.validation import Body, NonEmptyText
from controlplane.vendors.polnor import audit
from controlplane.vendors.polnor.style import conflict, new_id, over_quota, page

MAX_ENDPOINTS: Final = 5


class NewEndpoint(Body):
    """The body of `POST /endpoints`."""

    name: NonEmptyText
    model: NonEmptyText
    version: int = Field(ge=1)


async def list_endpoints(call: RequestContext) -> ApiResponse:
    """Answer with the endpoints, of one model if the path names it."""
    model = call.path_parameters.get("id")
    rows = await call.conn.fetch_all(
        "SELECT * FROM polnor_endpoints WHERE team_id = %s AND (%s::text IS NULL OR model = %s)"
        " ORDER BY created_at, id",
        (call.principal.primary_team_id, model, model),
    )
    return page(call, rows, _endpoint)


async def create_endpoint(call: RequestContext) -> ApiResponse:
    """Create an endpoint.

    Raises:
        ApiError: 409, the name is taken; 429, the workspace has as many as its quota allows.
    """
    body = call.parse(NewEndpoint)
    team = call.principal.primary_team_id
    await call.conn.execute("SELECT pg_advisory_xact_lock(hashtext('polnor_endpoints'), %s)", (team,))
    current = int(await call.conn.fetch_value("SELECT count(*) FROM polnor_endpoints WHERE team_id = %s", (team,)))
    if current >= MAX_ENDPOINTS:
        raise over_quota("max_endpoints", MAX_ENDPOINTS, current)
    try:
        row = await call.conn.fetch_row(
            "INSERT INTO polnor_endpoints (id, team_id, name, model, version, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING *",
            (new_id("ep"), team, body.name, body.model, body.version, call.now),
        )
    except psycopg.errors.UniqueViolation:
        raise conflict(f"An endpoint {body.name!r} exists already.") from None
    await audit.record(call, "endpoint.create")
    return ApiResponse(201, _endpoint(row))


def _endpoint(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "model", "version")},
        "status": "ready",
        "qps": 0.0,
        "latency_ms": 0.0,
    }


OPERATIONS = (
    Operation("GET", "/endpoints", "polnorListEndpoints", (), list_endpoints),
    Operation("POST", "/endpoints", "polnorCreateEndpoint", (), create_endpoint, has_body=True),
    Operation("GET", "/models/{id}/endpoints", "polnorListModelEndpoints", (), list_endpoints),
)
