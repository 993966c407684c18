"""The ASGI application under /api/v1. It makes every check in its order (S35)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE
from controlplane.http import idempotency, transaction
from controlplane.http.context import Operation, RawBody, RequestContext, check_scopes
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal
from controlplane.http.rate_limit import consume, refund
from controlplane.http.routing import Routes
from controlplane.http.style import POLYKOMOS, ApiStyle, PublicCall, new_request_id
from controlplane.http.summary import JsonBody, RequestSummary, respond
from controlplane.http.validation import check_key, check_query, parse_json, read_body
from controlplane.services import Services

# A request refused with one of these does not count as a use of the key (S36).
_NOT_COUNTED = frozenset({403, 429})

_failures = logging.getLogger("controlplane.failure")


class ApiApp:
    """The ASGI application of all operations of one API."""

    def __init__(self, services: Services, operations: Iterable[Operation], style: ApiStyle = POLYKOMOS) -> None:
        self._services = services
        self._style = style
        self._routes = Routes(operations)

    def operation_of(self, scope: Scope) -> str | None:
        """Return the operation id of a request, or None if the API has no such path or method."""
        return self._routes.operation_of(scope["method"], scope["path"].removeprefix(self._style.prefix))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: key, rate limit, route, scopes, body, Idempotency-Key, then the operation's handler.

        The summary says how far the request got. Nothing is sent to a client that has gone.
        """
        if scope["type"] != "http":
            return
        services, request, request_id = self._services, Request(scope, receive), new_request_id()
        now = services.clock.now()
        public = self._style.public.get((scope["method"], scope["path"].removeprefix(self._style.prefix)))
        if public is not None:
            await self._answer_without_key(public, request, request_id, send)
            return
        principal: Principal | None = None
        operation: Operation | None = None
        body: JsonBody | None = None
        raw: RawBody | None = None
        is_counted = False
        code: str | None = None
        try:
            token = self._style.read_key(request.headers.get("authorization"))
            principal = await self._style.authenticate(services, token, request.client and request.client.host, now)
            await consume(services.pool, principal, services.clock)
            is_counted = True
            match = self._routes.match(scope["method"], scope["path"].removeprefix(self._style.prefix))
            operation = match.operation
            check_scopes(principal, operation.scopes)
            if operation.has_body:
                body = JsonBody(parse_json(await read_body(request)))
            if operation.has_raw_body:
                raw = RawBody(request.headers.get("content-type", ""), await read_body(request))
            key = _key(request, operation, principal, body)
            if services.settings.strict and self._style.is_documented:
                _check_strictly(request, operation, key)
            async with self._connection(operation, principal) as conn:
                call = RequestContext(
                    operation=operation,
                    services=services,
                    principal=principal,
                    connection=conn,
                    now=now,
                    request_id=request_id,
                    path_parameters=match.path_parameters,
                    query=request.query_params,
                    body=raw if body is None else body.value,
                )
                result = await transaction.run_in_transaction(call, key)
            result = await transaction.run_after_commit(services, result, key)
            response_body, response = result.body, self._style.render(result.status, result.body, request_id)
        except ClientDisconnect:
            return
        except Exception as failure:
            error = await self._error_of(failure, principal if is_counted else None, request_id)
            code, response_body = error.code, self._style.error_body(error)
            response = self._style.render_error(error, request_id)
        summary = RequestSummary(
            request_id=request_id,
            status=response.status_code,
            response_body=response_body,
            response_content=bytes(response.body),
            code=code,
            request_body=body,
            operation_id=None if operation is None else operation.operation_id,
            key_id=None if principal is None else principal.key_id,
            key_preview=None if principal is None else principal.key_preview,
        )
        await respond(summary, response, scope, receive, send)

    async def _answer_without_key(self, call: PublicCall, request: Request, request_id: str, send: Send) -> None:
        """Answer a call that needs no key. The request log has neither its body nor that of the response."""
        code: str | None = None
        try:
            body = parse_json(await read_body(request))
            result = await call(self._services, body, self._services.clock.now())
            response = self._style.render(result.status, result.body, request_id)
        except ClientDisconnect:
            return
        except Exception as failure:
            error = await self._error_of(failure, None, request_id)
            code, response = error.code, self._style.render_error(error, request_id)
        summary = RequestSummary(
            request_id=request_id,
            status=response.status_code,
            response_body={},
            response_content=b"",
            code=code,
            request_body=None,
            operation_id=None,
            key_id=None,
            key_preview=None,
        )
        await respond(summary, response, request.scope, request.receive, send)

    async def _error_of(self, failure: Exception, counted: Principal | None, request_id: str) -> ApiError:
        """Return the error to answer with. A refused request does not count as a use of the key (S36)."""
        if not isinstance(failure, ApiError):
            _failures.error("request failed", exc_info=failure, extra={"facts": {"request_id": request_id}})
            failure = ApiError(500, "internal_error", "Internal error. Retry with the same Idempotency-Key.")
        if counted is not None and failure.status in _NOT_COUNTED:
            with contextlib.suppress(psycopg.Error, PoolTimeout):
                async with self._services.pool.connection() as conn:
                    await refund(conn, counted)
        return self._style.error_of(failure)

    def _connection(
        self, operation: Operation, principal: Principal
    ) -> contextlib.AbstractAsyncContextManager[Connection | None]:
        """Return the connection of the operation's handler, if it needs one, as a context manager."""
        if operation.dry_runs_sql:
            return self._own_connection(principal)
        return self._services.pool.connection() if operation.connects else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def _own_connection(self, principal: Principal) -> AsyncIterator[Connection]:
        """Yield a new connection in a slot of the user's, for an operation that may take long."""
        services = self._services
        async with (
            services.dry_run_slots.slot(principal.user_id),
            await services.server.connect(CONTROL_DATABASE) as conn,
        ):
            yield conn


def _key(request: Request, operation: Operation, principal: Principal, body: JsonBody | None) -> idempotency.Key | None:
    if not operation.keyed:
        return None
    value = idempotency.read_header(request.headers.get(idempotency.HEADER))
    query = request.query_params.multi_items()
    sent = None if body is None else body.value
    return idempotency.Key(
        api_key_id=principal.key_id,
        value=value,
        fingerprint=idempotency.fingerprint(request.method, request.scope["path"], query, sent),
    )


def _check_strictly(request: Request, operation: Operation, key: idempotency.Key | None) -> None:
    check_query(operation.operation_id, request.query_params)
    if key is not None:
        check_key(key.value)
