"""The ASGI application: the API, its health and its description."""

from __future__ import annotations

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from controlplane import openapi, rooms
from controlplane.admin import doors
from controlplane.console.pages import routes as console_routes
from controlplane.http.endpoint import PREFIX, Endpoint, new_request_id, render_error
from controlplane.http.errors import ApiError
from controlplane.services import Services


def create_app(services: Services, admin_token: str | None) -> Starlette:
    """The whole control plane over open `services`; background workers run apart from it (see run.py).

    admin_token: None = no admin API.
    """

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
            Route("/healthz", healthz),
            Route("/openapi.json", description),
            *([] if admin_token is None else doors.routes(services, admin_token)),
            *(console_routes(services) if services.settings.console else ()),
            Mount(PREFIX, app=Endpoint(services, rooms.OPERATIONS)),
        ],
        exception_handlers={HTTPException: _outside_the_api},
    )
    app.router.redirect_slashes = False
    return app


async def _outside_the_api(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    api_error = ApiError(error.status_code, code, error.detail, headers=error.headers)
    return render_error(api_error, new_request_id())
