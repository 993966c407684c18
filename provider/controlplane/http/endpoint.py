"""The ASGI application under /api/v1: every check in its order (S35), one log line a request."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from controlplane.faults import applying as faults
from controlplane.faults.rules import Fault
from controlplane.http import execution, idempotency
from controlplane.http.auth import authenticate, bearer_token
from controlplane.http.bodies import parse_json, read_body
from controlplane.http.calls import Call, Operation, insufficient_scope
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal
from controlplane.http.rate_limit import count_request, take_back
from controlplane.http.replies import Reply
from controlplane.http.routing import Match, Routes
from controlplane.http.strictness import check_key, check_query
from controlplane.services import Services
from controlplane.store.pool import Connection
from controlplane.store.server import CONTROL_DATABASE
from controlplane.traffic.masking import mask_text

PREFIX = "/api/v1"
# What was refused for these is no use of the key (S36).
_NOT_COUNTED = frozenset({403, 429})

_requests = logging.getLogger("controlplane.request")
_failures = logging.getLogger("controlplane.failure")


def new_request_id() -> str:
    """`req_` and 20 hex digits (C22)."""
    return f"req_{secrets.token_hex(10)}"


def render(status: int, body: dict[str, object], request_id: str, headers: dict[str, str] | None = None) -> Response:
    """A JSON response with the request id in body and header."""
    content = json.dumps({**body, "request_id": request_id}, ensure_ascii=False).encode()
    return Response(
        content,
        status_code=status,
        media_type="application/json",
        headers={"X-Request-Id": request_id, **(headers or {})},
    )


def render_error(error: ApiError, request_id: str) -> Response:
    """An error in the API's form."""
    return render(error.status, error.body(), request_id, error.headers)


class Endpoint:
    """Answers all operations."""

    def __init__(self, services: Services, operations: Iterable[Operation]) -> None:
        self._services = services
        self._routes = Routes(operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request_id = new_request_id()
        facts: dict[str, object] = {}
        at, started = self._services.clock.now(), time.perf_counter()
        fault = None
        try:
            fault = await self._meet_fault(request, facts)
            await faults.before(fault)
            reply = await self._answer(request, request_id, facts)
            answer = reply.body
            response = render(reply.status, answer, request_id)
            failure = faults.instead(fault)
            if failure is not None:
                raise failure
        except ApiError as error:
            facts["code"] = error.code
            answer = error.body()
            response = render_error(error, request_id)
        except ClientDisconnect:
            return
        except Exception:
            _failures.exception("request failed", extra={"facts": {"request_id": request_id}})
            facts["code"] = "internal_error"
            internal = ApiError(500, "internal_error", "Internal error. Retry with the same Idempotency-Key.")
            answer = internal.body()
            response = render_error(internal, request_id)
        ms = round((time.perf_counter() - started) * 1000, 1)
        _requests.info(
            "request",
            extra={
                "facts": {
                    "method": request.method,
                    "path": mask_text(request.url.path),
                    "status": response.status_code,
                    "ms": ms,
                    "request_id": request_id,
                    **facts,
                }
            },
        )
        await faults.respond(fault, response, scope, receive, send)
        self._services.traffic.record(
            request,
            at=at,
            request_id=request_id,
            status=response.status_code,
            answer=answer,
            content=bytes(response.body),
            facts=facts,
            ms=ms,
        )

    async def _meet_fault(self, request: Request, facts: dict[str, object]) -> Fault | None:
        operation = self._routes.operation_of(request.method, request.scope["path"].removeprefix(PREFIX))
        fault = await faults.met_by(self._services, operation)
        if fault is not None:
            facts["fault"] = fault.rule
        return fault

    async def _answer(self, request: Request, request_id: str, facts: dict[str, object]) -> Reply:
        services = self._services
        now = services.clock.now()
        token = bearer_token(request.headers.get("authorization"))
        async with services.pool.connection() as conn:
            principal = await authenticate(conn, token, request.client and request.client.host, now)
        facts["key"] = principal.key_preview
        request.state.key_id = principal.key_id
        await count_request(services.pool, principal, services.clock)
        try:
            return await self._carry_out(request, request_id, facts, principal, now)
        except ApiError as error:
            if error.status in _NOT_COUNTED:
                async with services.pool.connection() as conn:
                    await take_back(conn, principal)
            raise

    async def _carry_out(
        self, request: Request, request_id: str, facts: dict[str, object], principal: Principal, now: datetime
    ) -> Reply:
        services = self._services
        match = self._routes.match(request.method, request.scope["path"].removeprefix(PREFIX))
        operation = match.operation
        facts["operation"] = operation.operation_id
        if not all(principal.has_scope(scope) for scope in operation.scopes):
            raise insufficient_scope(operation.scopes)
        body = None
        if operation.has_body:
            body = request.state.body = parse_json(await read_body(request))
        key = _key(request, match, principal.key_id, body)
        if services.settings.strict:
            check_query(operation.operation_id, request.query_params)
            if key is not None:
                check_key(key.value)
        async with self._connection(operation, principal) as conn:
            call = Call(
                operation=operation,
                services=services,
                principal=principal,
                conn=conn,
                now=now,
                request_id=request_id,
                path_parameters=match.path_parameters,
                query=request.query_params,
                body=body,
            )
            reply = await execution.run(call, key)
        return await execution.finish(services, reply, key)

    @contextlib.asynccontextmanager
    async def _connection(self, operation: Operation, principal: Principal) -> AsyncIterator[Connection]:
        """One of the pool's; for what may take long, one of its own, in a turn of the user's."""
        services = self._services
        if not operation.rehearses:
            async with services.pool.connection() as conn:
                yield conn
            return
        async with services.turns.take(principal.user_id), await services.connect(CONTROL_DATABASE) as conn:
            yield conn


def _key(request: Request, match: Match, api_key_id: int, body: object) -> idempotency.Key | None:
    if not match.operation.keyed:
        return None
    value = idempotency.read_header(request.headers.get(idempotency.HEADER))
    query = request.query_params.multi_items()
    return idempotency.Key(
        api_key_id=api_key_id,
        value=value,
        fingerprint=idempotency.fingerprint(request.method, request.scope["path"], query, body),
    )
