"""Build the ASGI application: the API, its health, its OpenAPI document, the admin API and the console."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from controlplane import openapi, registry
from controlplane.admin import routes
from controlplane.console.routes import routes as console_routes
from controlplane.fault_injection.middleware import FaultInjectionMiddleware
from controlplane.http.api import ApiApp
from controlplane.http.context import Operation
from controlplane.http.errors import ApiError
from controlplane.http.style import POLYKOMOS, ApiStyle, new_request_id
from controlplane.request_log.middleware import RequestLogMiddleware
from controlplane.request_log.recorder import Recorder
from controlplane.services import Services


def create_app(services: Services, recorder: Recorder, admin_token: str | None) -> ASGIApp:
    """Build the whole control plane over open services. Background workers run apart from it (see server.py).

    Without an admin token there is no admin API.
    """
    apis = [_api(services, recorder, registry.OPERATIONS, POLYKOMOS)]
    apis += [_api(services, recorder, each.operations, each.style) for each in registry.vendors(services.settings)]
    rest = _outside_the_apis(services, admin_token)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # An API answers its own errors, and needs none of what Starlette does for the other routes.
        if scope["type"] == "http":
            for prefix, api in apis:
                if scope["path"].startswith(prefix):
                    await api(scope, receive, send)
                    return
        await rest(scope, receive, send)

    return application


def _api(
    services: Services, recorder: Recorder, operations: Iterable[Operation], style: ApiStyle
) -> tuple[str, ASGIApp]:
    """Build an API in its middleware.

    Returns:
        What the paths of its requests begin with, and the ASGI application.
    """
    api = ApiApp(services, operations, style)
    faulty = FaultInjectionMiddleware(
        api, pool=services.pool, controls=services.controls, operation_of=api.operation_of, style=style
    )
    return f"{style.prefix}/", RequestLogMiddleware(faulty, recorder=recorder, clock=services.clock)


def _outside_the_apis(services: Services, admin_token: str | None) -> Starlette:
    """Build health, the OpenAPI document, the admin API and the console."""

    async def healthz(_: Request) -> Response:
        try:
            async with services.pool.connection(timeout=2) as conn:
                await conn.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout):
            return JSONResponse({"status": "unavailable"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def description(_: Request) -> Response:
        return Response(openapi.raw(), media_type="application/json")

    app = Starlette(
        routes=[
            # Starlette tries routes in this order.
            Route("/healthz", healthz),
            Route("/openapi.json", description),
            *([] if admin_token is None else routes.routes(services, admin_token)),
            *(console_routes(services) if services.settings.console else ()),
        ],
        exception_handlers={HTTPException: _render_http_error},
    )
    app.router.redirect_slashes = False
    return app


async def _render_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    api_error = ApiError(error.status_code, code, error.detail, headers=error.headers)
    return POLYKOMOS.render_error(api_error, new_request_id())
