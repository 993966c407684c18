"""FaultInjectionMiddleware: applies the fault rules of the admin API to requests, before or after they are handled."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlplane.db.pool import Pool
from controlplane.dev_controls import DevControls
from controlplane.fault_injection.rules import ANY, Fault, next_fault
from controlplane.http import protocol
from controlplane.http.errors import ApiError
from controlplane.http.style import POLYKOMOS, ApiStyle, new_request_id
from controlplane.http.summary import EXTENSION, RequestSummary, respond, send_summary, with_extension

_CODES: Final = {429: "rate_limit_exceeded", 500: "internal_error", 502: "bad_gateway", 503: "service_unavailable"}
# The body of the effect `garbled_body`.
GARBLED: Final = "<html><body>It works!</body></html>"
_log = logging.getLogger("controlplane.fault_injection")


class FaultInjectionMiddleware:
    """ASGI middleware around the API.

    Responses of the API are small, so the response to a request with a fault is collected before it is sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        pool: Pool,
        controls: DevControls,
        operation_of: Callable[[Scope], str | None],
        style: ApiStyle = POLYKOMOS,
    ) -> None:
        """Wrap `app`.

        Args:
            app: The application whose requests meet faults.
            pool: Connections to the store of the rules.
            controls: Says whether there are rules at all.
            operation_of: Returns the operation id of a request, or None for a path that the API does not have.
            style: The form of the API's errors.
        """
        self._app = app
        self._pool = pool
        self._controls = controls
        self._operation_of = operation_of
        self._style = style

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, with the fault of the first rule that matches it."""
        fault = await self._match(scope)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.skips_handler:
            await self._skip_handler(fault, scope, receive, send)
        else:
            await self._spoil_response(fault, scope, receive, send)

    async def _match(self, scope: Scope) -> Fault | None:
        if scope["type"] != "http" or not self._controls.has_faults:
            return None
        try:
            async with self._pool.connection() as conn:
                return await next_fault(conn, self._operation_of(scope) or ANY)
        except (psycopg.Error, PoolTimeout):
            _log.exception("the fault rules could not be read, so this request has no fault")
            return None

    async def _spoil_response(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the API handle and commit the request, then send what the fault leaves of the response."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app(with_extension(scope), receive, collect)
        if not messages:
            return  # the client has gone
        first, *rest = messages
        assert first["type"] == EXTENSION
        summary: RequestSummary = dataclasses.replace(first["summary"], fault_rule=fault.rule)
        if fault.effect == "status_after":
            error = _error(fault)
            response = self._style.render_error(error, summary.request_id)
            content = bytes(response.body)
            summary = dataclasses.replace(
                summary,
                status=error.status,
                code=error.code,
                response_body=self._style.error_body(error),
                response_content=content,
            )
        await send_summary(summary, scope, send)
        await asyncio.sleep(fault.seconds or 0)
        match fault.effect:
            case "status_after":
                await response(scope, receive, send)
            case "truncated_body":
                start, body = rest
                await send(start)
                await send({**body, "body": body["body"][: len(body["body"]) // 2], "more_body": True})
                await protocol.close_connection(scope)
            case "garbled_body":
                start, _ = rest
                await Response(GARBLED, status_code=start["status"], media_type="text/html")(scope, receive, send)
            case "lost_response":
                await protocol.reset_connection(scope)
            case _:  # latency
                for message in rest:
                    await send(message)

    async def _skip_handler(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the fault's status, or reset the connection, instead of handling the request."""
        await asyncio.sleep(fault.seconds or 0)
        error = _error(fault)
        request_id = new_request_id()
        response = self._style.render_error(error, request_id)
        summary = RequestSummary(
            request_id,
            error.status,
            self._style.error_body(error),
            bytes(response.body),
            code=error.code,
            fault_rule=fault.rule,
        )
        if fault.effect == "reset":
            await send_summary(summary, scope, send)
            await protocol.reset_connection(scope)
        else:
            await respond(summary, response, scope, receive, send)


def _error(fault: Fault) -> ApiError:
    status = fault.status or 503
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return ApiError(
        status, _CODES.get(status, "injected_fault"), "This failure was injected by a fault rule.", headers=headers
    )
