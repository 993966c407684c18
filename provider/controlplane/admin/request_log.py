"""The request log, and each of its entries as a curl command."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.responses import PlainTextResponse

from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.http.errors import invalid_field, not_found
from controlplane.http.responses import format_z
from controlplane.request_log import store
from controlplane.request_log.curl import as_curl
from controlplane.request_log.recorder import Entry

_MAX_LIMIT = 1000


async def list_requests(call: AdminRequest) -> list[dict[str, Any]]:
    """Return entries, newest first, filtered by `limit` (100), `operation` and `text`. Secrets are masked."""
    query = call.request.query_params
    limit = query.get("limit", "100")
    if not (limit.isdecimal() and 1 <= int(limit) <= _MAX_LIMIT):
        raise invalid_field("limit", f"must be an integer from 1 to {_MAX_LIMIT}")
    async with call.services.pool.connection() as conn:
        entries = await store.list_recent(conn, int(limit), operation=query.get("operation"), text=query.get("text"))
    return [_view(entry) for entry in entries]


async def get_curl(call: AdminRequest) -> PlainTextResponse:
    """Return the command that repeats a request, with the key and the base URL from the environment."""
    async with call.services.pool.connection() as conn:
        entry = await store.find(conn, call.request.path_params["id"])
    if entry is None:
        raise not_found("request")
    return PlainTextResponse(as_curl(entry) + "\n")


def _view(entry: Entry) -> dict[str, Any]:
    return {**dataclasses.asdict(entry), "at": format_z(entry.at)}


ROUTES = (
    AdminRoute("GET", "/requests", list_requests),
    AdminRoute("GET", "/requests/{id:int}/curl", get_curl),
)
