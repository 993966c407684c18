"""Having a fault happen to a call, before it is carried out or after."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from controlplane.faults.rules import ANY, Fault, next_fault
from controlplane.http import connections
from controlplane.http.errors import ApiError
from controlplane.services import Services

_CODES: Final = {429: "rate_limit_exceeded", 500: "internal_error", 502: "bad_gateway", 503: "service_unavailable"}


async def met_by(services: Services, operation: str | None) -> Fault | None:
    """The fault that meets a call, if any. operation: None where the path is none of the API's."""
    if not services.controls.has_faults:
        return None
    async with services.pool.connection() as conn:
        return await next_fault(conn, operation or ANY)


async def before(fault: Fault | None) -> None:
    """Raise ApiError in place of a call that is not to be carried out."""
    if fault is not None and fault.prevents:
        await asyncio.sleep(fault.seconds or 0)
        raise _error(fault)


def instead(fault: Fault | None) -> ApiError | None:
    """What the client is told of a call that was carried out, None = the truth."""
    return _error(fault) if fault is not None and fault.effect == "status_after" else None


async def respond(fault: Fault | None, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the response, or what the fault leaves of it; late, if it asks for that: then all is done and committed."""
    if fault is not None and not fault.prevents:
        await asyncio.sleep(fault.seconds or 0)
    if fault is None or fault.effect in ("status", "status_after", "latency"):
        await response(scope, receive, send)
        return
    if fault.effect == "truncated_body":
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        half = bytes(response.body)[: len(response.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        connections.end(scope)
        return
    connections.reset(scope)


def _error(fault: Fault) -> ApiError:
    status = fault.status or 503
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return ApiError(
        status, _CODES.get(status, "injected_fault"), "This failure was asked for by a fault rule.", headers=headers
    )
