"""The routes of the console: for this machine only, read-only, updated by polling for the part that changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from controlplane.console import applications, databases, overview, requests, webhooks
from controlplane.console.access import HEADERS, blocked_reason
from controlplane.console.templates import Page, render_page, render_part
from controlplane.db.pool import Connection
from controlplane.services import Services

# The script sends this header to request only the live part.
PART_HEADER = "X-Console-Part"

Show = Callable[[Services, Connection, Mapping[str, str], Mapping[str, Any]], Awaitable[Page | None]]
"""Returns a page from the query string and the path's parameters; None if the object does not exist."""

_PAGES: tuple[tuple[str, Show], ...] = (
    ("/", overview.overview_page),
    ("/console/databases", databases.list_page),
    ("/console/databases/{uuid:uuid}", databases.detail_page),
    ("/console/applications", applications.list_page),
    ("/console/applications/{id:int}", applications.detail_page),
    ("/console/webhooks", webhooks.list_page),
    ("/console/webhooks/{id:int}", webhooks.detail_page),
    ("/console/requests", requests.list_page),
    ("/console/requests/{id:int}", requests.detail_page),
)
_ASSETS = (
    ("console.css", "text/css"),
    ("console.js", "text/javascript"),
    ("icon.svg", "image/svg+xml"),
)


def routes(services: Services) -> list[Route]:
    """Return the routes of all pages and assets; GET and HEAD only."""
    bound = services.settings.host
    pages = [Route(path, _page(services, show)) for path, show in _PAGES]
    assets = [Route(f"/console/{name}", _asset(name, media_type, bound)) for name, media_type in _ASSETS]
    return [*pages, *assets]


def _page(services: Services, show: Show) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        refused = _refused(request, services.settings.host)
        if refused is not None:
            return refused
        async with reading(services) as conn:
            page = await show(services, conn, request.query_params, request.path_params)
        if page is None:
            return PlainTextResponse("This page does not exist, or no longer exists.", 404, HEADERS)
        if PART_HEADER not in request.headers:
            document = render_page(page)
            return Response(document.html, media_type="text/html", headers={**HEADERS, "ETag": document.etag})
        part = render_part(page)
        headers = {**HEADERS, "ETag": part.etag}
        if request.headers.get("if-none-match") == part.etag:
            return Response(status_code=304, headers=headers)
        return Response(part.html, media_type="text/html", headers=headers)

    return answer


def _asset(name: str, media_type: str, bound: str) -> Callable[[Request], Awaitable[Response]]:
    content = (resources.files("controlplane.console") / "assets" / name).read_bytes()

    async def answer(request: Request) -> Response:
        return _refused(request, bound) or Response(content, media_type=media_type, headers=HEADERS)

    return answer


def _refused(request: Request, bound: str) -> Response | None:
    client = None if request.client is None else request.client.host
    reason = blocked_reason(client, request.headers, bound)
    return None if reason is None else PlainTextResponse(reason, 403, HEADERS)


@asynccontextmanager
async def reading(services: Services) -> AsyncIterator[Connection]:
    """Yield a connection in a transaction in which PostgreSQL refuses every write."""
    async with services.pool.connection() as conn, conn.transaction():
        await conn.execute("SET TRANSACTION READ ONLY")
        yield conn
