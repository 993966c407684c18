"""How an API of the control plane looks from outside: its place, its credentials, its bodies."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.responses import Response

from controlplane.http.auth import authenticate, bearer_token
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal
from controlplane.http.responses import ApiResponse
from controlplane.services import Services

PREFIX = "/api/v1"
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False)


def new_request_id() -> str:
    """Return a new request id: `req_` and 20 hex digits (C22)."""
    return f"req_{secrets.token_hex(10)}"


PublicCall = Callable[[Services, Any, datetime], Awaitable[ApiResponse]]


@dataclass(frozen=True)
class ApiStyle:
    """The form of an API's requests and responses.

    Attributes:
        prefix: The path before those of the operations.
        read_key: Returns the API key in an Authorization header, or raises a 401.
        authenticate: Returns the principal of a key, of a client's address and at a time.
        public: The calls that need no key, such as a login, by method and path. Each is a function of the services, the
            JSON body and the time.
        error_of: Returns the error that a response states instead of one of the kernel's.
        error_body: Returns the body of an error.
        wrap: Returns the JSON to send for a handler's body and the request id.
        is_documented: Whether the OpenAPI document has its operations.
    """

    prefix: str = PREFIX
    read_key: Callable[[str | None], str] = bearer_token
    authenticate: Callable[[Services, str, str | None, datetime], Awaitable[Principal]] = authenticate
    public: Mapping[tuple[str, str], PublicCall] = field(default_factory=dict)
    error_of: Callable[[ApiError], ApiError] = lambda error: error
    error_body: Callable[[ApiError], dict[str, Any]] = ApiError.body
    wrap: Callable[[dict[str, Any], str], Any] = lambda body, request_id: {**body, "request_id": request_id}
    is_documented: bool = True

    def render(
        self, status: int, body: dict[str, Any], request_id: str, headers: dict[str, str] | None = None
    ) -> Response:
        """Return a JSON response with the request id in a header."""
        content = b"" if status == 204 else _JSON.encode(self.wrap(body, request_id)).encode()
        return Response(
            content,
            status_code=status,
            media_type="application/json",
            headers={"X-Request-Id": request_id, **(headers or {})},
        )

    def render_error(self, error: ApiError, request_id: str) -> Response:
        """Return an error response."""
        return self.render(error.status, self.error_body(error), request_id, error.headers)


POLYKOMOS = ApiStyle()
