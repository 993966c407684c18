"""Build the ASGI application: the API, its health, its OpenAPI document, the admin API and the console."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

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


def create_app(services: Services, recorder: Recorder, admin_token: str | None) -> Starlette:
    """Build the whole control plane over open services. Background workers run apart from it (see server.py).

    Without an admin token there is no admin API.
    """

    def mount(operations: Iterable[Operation], style: ApiStyle) -> Mount:
        api = ApiApp(services, operations, style)
        # The outermost middleware comes first.
        middleware = [
            Middleware(RequestLogMiddleware, recorder=recorder, clock=services.clock),
            Middleware(
                FaultInjectionMiddleware,
                pool=services.pool,
                controls=services.controls,
                operation_of=api.operation_of,
                style=style,
            ),
        ]
        return Mount(style.prefix, app=api, middleware=middleware)

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
            mount(registry.OPERATIONS, POLYKOMOS),
            *(mount(vendor.operations, vendor.style) for vendor in registry.vendors(services.settings)),
            Route("/healthz", healthz),
            Route("/openapi.json", description),
            *([] if admin_token is None else routes.routes(services, admin_token)),
            *(console_routes(services) if services.settings.console else ()),
        ],
        exception_handlers={HTTPException: _outside_the_api},
    )
    app.router.redirect_slashes = False
    return app


async def _outside_the_api(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    api_error = ApiError(error.status_code, code, error.detail, headers=error.headers)
    return POLYKOMOS.render_error(api_error, new_request_id())
