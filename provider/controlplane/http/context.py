"""One operation, and one call of it: all that a handler sees."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

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
    """Declared once, where its handler is.

    path: after `/api/v1`, with `{name}` for parameters. scopes: all of them are needed. keyed: requires an
    Idempotency-Key. has_body: the body is read as JSON (else it is ignored). rehearses: a user's SQL is run while the
    handler runs, so it has a connection of its own, and a user's calls take turns.
    """

    method: str
    path: str
    operation_id: str
    scopes: tuple[str, ...]
    handler: Callable[[RequestContext], Awaitable[ApiResponse]]
    keyed: bool = False
    has_body: bool = False
    rehearses: bool = False


@dataclass
class RequestContext:
    """One authenticated, routed, scoped request.

    conn is inside a transaction that the kernel commits when the handler returns and rolls back when it raises.
    now is the time of the call, the same wherever it is asked.
    """

    operation: Operation
    services: Services
    principal: Principal
    conn: Connection
    now: datetime
    request_id: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: object = None
    commit_callbacks: list[Callable[[], None]] = field(default_factory=list)

    def parse(self, model: type[BodyT]) -> BodyT:
        """The body as `model`. Look up the resource first: 404 goes before 422 (S35)."""
        if self.services.settings.strict:
            check_fields(model, self.body)
        return parse_body(model, self.body)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Do this once the changes are visible to others; typically a bell's `ring`."""
        self.commit_callbacks.append(callback)

    def uuid_parameter(self, name: str, resource: str) -> UUID:
        """A path parameter; a malformed one is a 404 of that resource."""
        value = parse_uuid(self.path_parameters[name])
        if value is None:
            raise not_found(resource)
        return value

    def integer_parameter(self, name: str, resource: str) -> int:
        """A path parameter; a malformed one is a 404 of that resource."""
        text = self.path_parameters[name]
        if not _DIGITS.fullmatch(text):
            raise not_found(resource)
        return int(text)

    def query_integer(self, name: str, *, default: int, least: int, most: int) -> int:
        """A query parameter within bounds, else 422."""
        text = self.query.get(name)
        if text is None:
            return default
        if not _SIGNED.fullmatch(text) or not least <= int(text) <= most:
            raise invalid_field(name, f"must be an integer from {least} to {most}")
        return int(text)

    def query_boolean(self, name: str, *, default: bool) -> bool:
        """`true` or `false`, else 422."""
        text = self.query.get(name)
        if text is None:
            return default
        if text not in ("true", "false"):
            raise invalid_field(name, "must be true or false", allowed=("true", "false"))
        return text == "true"

    def page(self) -> Page:
        """`limit` and `starting_after`; the room finds out whether the cursor is one of its items."""
        limit = self.query_integer("limit", default=25, least=1, most=100)
        return Page(limit=limit, starting_after=self.query.get("starting_after"))

    def require_scope(self, scope: str) -> None:
        """For what only some bodies need (C2); raises 403 `insufficient_scope`."""
        check_scopes(self.principal, (scope,))


def check_scopes(principal: Principal, scopes: tuple[str, ...]) -> None:
    """Check that the key has all of these scopes.

    Raises:
        ApiError: 403 `insufficient_scope`, which names them.
    """
    if not all(principal.has_scope(scope) for scope in scopes):
        raise ApiError(
            403,
            "insufficient_scope",
            f"This API key lacks a required scope: {', '.join(scopes)}.",
            {"required_scopes": list(scopes)},
        )
