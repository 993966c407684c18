"""The declaration of an operation, and the context of one request for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.datastructures import QueryParams

from controlplane.db.pool import Connection
from controlplane.http.errors import ApiError, invalid_field, not_found
from controlplane.http.principal import Principal
from controlplane.http.responses import ApiResponse, Page
from controlplane.http.validation import BodyT, check_fields, parse_body, parse_uuid
from controlplane.services import Services

_DIGITS = re.compile(r"[0-9]{1,18}")
_SIGNED = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Operation:
    """An operation of the API, declared beside its handler.

    Attributes:
        method: The HTTP method.
        path: The path after `/api/v1`, with `{name}` for parameters.
        operation_id: The id in the OpenAPI document.
        scopes: The scopes that a key needs, all of them.
        handler: Answers the request.
        keyed: Whether the request needs an Idempotency-Key.
        has_body: Whether the body is read as JSON; otherwise it is ignored.
        has_raw_body: Whether the handler gets the body as it is (`RawBody`).
        dry_runs_sql: Whether the handler dry-runs a user's SQL. Such a request has its own connection and one of the
            user's slots.
        connects: Whether the handler gets a connection. One that only reads by `services.reads` does without.
    """

    method: str
    path: str
    operation_id: str
    scopes: tuple[str, ...]
    handler: Callable[[RequestContext], Awaitable[ApiResponse]]
    keyed: bool = False
    has_body: bool = False
    has_raw_body: bool = False
    dry_runs_sql: bool = False
    connects: bool = True


@dataclass(frozen=True)
class RawBody:
    """A body that is not JSON."""

    content_type: str
    content: bytes


@dataclass
class RequestContext:
    """One request that is authenticated, routed and has the scopes of its operation.

    Attributes:
        operation: The operation to run.
        services: The shared parts of the process.
        principal: Who is calling.
        connection: See `conn`. None if the operation does not connect.
        now: The time of the request.
        request_id: The id in the response.
        path_parameters: The parameters in the path, as text.
        query: The parameters in the query string.
        body: The parsed JSON body.
        commit_callbacks: Called after the commit.
    """

    operation: Operation
    services: Services
    principal: Principal
    connection: Connection | None
    now: datetime
    request_id: str
    path_parameters: Mapping[str, str]
    query: QueryParams
    body: object = None
    commit_callbacks: list[Callable[[], None]] = field(default_factory=list)

    @property
    def conn(self) -> Connection:
        """Return the connection. It is in a transaction, unless the request is a GET.

        The transaction is committed when the handler returns, and rolled back when it raises.
        """
        assert self.connection is not None, f"{self.operation.operation_id} is declared with connects=False"
        return self.connection

    def parse(self, model: type[BodyT]) -> BodyT:
        """Return the body as `model`. Look up the resource first: 404 goes before 422 (S35).

        Raises:
            ApiError: 422, the body does not match the model.
        """
        if self.services.settings.strict:
            check_fields(model, self.body)
        return parse_body(model, self.body)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the commit, when others can see the changes; typically a notifier's `notify`."""
        self.commit_callbacks.append(callback)

    def uuid_parameter(self, name: str, resource: str) -> UUID:
        """Return a path parameter that is a UUID.

        Raises:
            ApiError: 404 of `resource`, the parameter is malformed.
        """
        value = parse_uuid(self.path_parameters[name])
        if value is None:
            raise not_found(resource)
        return value

    def integer_parameter(self, name: str, resource: str) -> int:
        """Return a path parameter that is an integer.

        Raises:
            ApiError: 404 of `resource`, the parameter is malformed.
        """
        text = self.path_parameters[name]
        if not _DIGITS.fullmatch(text):
            raise not_found(resource)
        return int(text)

    def query_integer(self, name: str, *, default: int, least: int, most: int) -> int:
        """Return a query parameter, or its default.

        Raises:
            ApiError: 422, the parameter is no integer from `least` to `most`.
        """
        text = self.query.get(name)
        if text is None:
            return default
        if not _SIGNED.fullmatch(text) or not least <= int(text) <= most:
            raise invalid_field(name, f"must be an integer from {least} to {most}")
        return int(text)

    def query_boolean(self, name: str, *, default: bool) -> bool:
        """Return a query parameter, or its default.

        Raises:
            ApiError: 422, the parameter is neither `true` nor `false`.
        """
        text = self.query.get(name)
        if text is None:
            return default
        if text not in ("true", "false"):
            raise invalid_field(name, "must be true or false", allowed=("true", "false"))
        return text == "true"

    def page(self) -> Page:
        """Return `limit` and `starting_after`. The handler checks whether the cursor is one of its items."""
        limit = self.query_integer("limit", default=25, least=1, most=100)
        return Page(limit=limit, starting_after=self.query.get("starting_after"))

    def require_scope(self, scope: str) -> None:
        """Check a scope that only some bodies need (C2).

        Raises:
            ApiError: 403 `insufficient_scope`.
        """
        check_scopes(self.principal, (scope,))


def check_scopes(principal: Principal, scopes: tuple[str, ...]) -> None:
    """Check that the key has all of these scopes.

    Raises:
        ApiError: 403 `insufficient_scope`, which names the scopes.
    """
    if not all(principal.has_scope(scope) for scope in scopes):
        raise ApiError(
            403,
            "insufficient_scope",
            f"This API key lacks a required scope: {', '.join(scopes)}.",
            {"required_scopes": list(scopes)},
        )
