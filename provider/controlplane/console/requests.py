"""The console's pages of the request log, and the command that repeats a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane import registry
from controlplane.console.list_query import paginate, parse_query
from controlplane.console.templates import Page
from controlplane.db.pool import Connection
from controlplane.request_log import store as request_log
from controlplane.request_log.curl import as_curl
from controlplane.services import Services

_STATUSES = (
    ("", "any"),
    *((code, f"{code}xx") for code in "245"),
    *((code, code) for code in ("404", "409", "422", "429")),
)
_OPERATIONS = (
    ("", "any"),
    *((name, name) for name in sorted(registry.OPERATION_IDS)),
)


async def list_page(_: Services, conn: Connection, query: Mapping[str, str], _path: Mapping[str, Any]) -> Page:
    """Return the page `/console/requests`."""
    list_query = parse_query(
        "/console/requests", query, (("status", "Status", _STATUSES), ("operation", "Operation", _OPERATIONS))
    )
    entries = await request_log.list_recent(
        conn,
        list_query.window["fetch"],
        offset=list_query.window["offset"],
        statuses=_statuses(list_query.chosen("status")),
        operation=list_query.chosen("operation") or None,
        text=list_query.text or None,
        with_bodies=False,
    )
    shown = paginate(list_query, entries)
    return Page(
        template="requests.html",
        title="Requests",
        section="requests",
        summary=f"latest request: {entries[0].method} {entries[0].target}" if entries else "no requests",
        context={"shown": shown},
        list_query=list_query,
        searches="path, operation, code, request id, key or body",
    )


async def detail_page(_: Services, conn: Connection, _query: Mapping[str, str], path: Mapping[str, Any]) -> Page | None:
    """Return the page `/console/requests/{id}`, or None if there is no such entry."""
    entry = await request_log.find(conn, path["id"]) if path["id"] < 2**63 else None
    if entry is None:
        return None
    return Page(
        template="request.html",
        title=f"{entry.method} {entry.target.partition('?')[0]}",
        section="requests",
        summary=f"answered with {entry.status}",
        context={"entry": entry, "curl": as_curl(entry)},
        back="/console/requests",
    )


def _statuses(chosen: str) -> tuple[int, int] | None:
    """Return the range that `4` (4xx), `404` or "" (any) means."""
    if not chosen:
        return None
    number = int(chosen)
    return (number * 100, number * 100 + 99) if number < 10 else (number, number)
