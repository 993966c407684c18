"""What the admin API's handlers have in common: the token, JSON in and out, errors in the API's form."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from controlplane.engines.base import EngineUnavailableError
from controlplane.http.api import new_request_id, render_error
from controlplane.http.auth import bearer_token
from controlplane.http.errors import ApiError, forbidden, invalid_field
from controlplane.http.validation import BodyT, parse_body, parse_json, read_body
from controlplane.services import Services

PREFIX = "/_polykomos"

_failures = logging.getLogger("controlplane.failure")


@dataclass(frozen=True)
class AdminRequest:
    """One authenticated request."""

    services: Services
    request: Request

    async def body(self, model: type[BodyT]) -> BodyT:
        """The body as `model`; none at all stands for an empty object. Raises ApiError."""
        raw = await read_body(self.request)
        return parse_body(model, parse_json(raw) if raw else {})


Handler = Callable[[AdminRequest], Awaitable[Any]]
"""Answers with what becomes JSON."""


@dataclass(frozen=True)
class AdminRoute:
    """One method and path, after the prefix. is_open: needs no token."""

    method: str
    path: str
    handler: Handler
    public: bool = False


def route(door: AdminRoute, services: Services, token: str) -> Route:
    """The door for Starlette."""

    async def answer(request: Request) -> Response:
        request_id = new_request_id()
        try:
            if not door.public:
                _check_token(request, token)
            _refuse_nul(request)
            found = await door.handler(AdminRequest(services, request))
            return found if isinstance(found, Response) else _Json(found)
        except ApiError as error:
            return render_error(error, request_id)
        except EngineUnavailableError as down:
            return render_error(ApiError(503, "engine_unavailable", f"Not now: {down}."), request_id)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception:
            _failures.exception("request failed", extra={"facts": {"request_id": request_id}})
            return render_error(ApiError(500, "internal_error", "Internal error; the log says more."), request_id)

    return Route(PREFIX + door.path, answer, methods=[door.method])


class _Json(JSONResponse):
    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, indent=2, default=str).encode() + b"\n"


def _refuse_nul(request: Request) -> None:
    """PostgreSQL's texts cannot hold it, so it is in no name and no text to search for."""
    for name, value in [*request.path_params.items(), *request.query_params.multi_items()]:
        if "\x00" in str(value):
            raise invalid_field(name, "must not contain NUL characters")


def _check_token(request: Request, token: str) -> None:
    given = bearer_token(request.headers.get("authorization"))
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise forbidden("invalid_admin_token", "This is not the admin token that `polykomos dev` printed.")
