"""What the handlers of the admin API share: the token, JSON bodies, errors in the API's form."""

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
from controlplane.http.auth import bearer_token
from controlplane.http.errors import ApiError, forbidden, invalid_field
from controlplane.http.style import POLYKOMOS, new_request_id
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
        """Return the body as `model`. A missing body counts as an empty object.

        Raises:
            ApiError: 400, 413 or 422, as in the API.
        """
        raw = await read_body(self.request)
        return parse_body(model, parse_json(raw) if raw else {})


Handler = Callable[[AdminRequest], Awaitable[Any]]
"""Returns what is sent as JSON."""


@dataclass(frozen=True)
class AdminRoute:
    """A method and a path of the admin API."""

    method: str
    path: str  # the path after the prefix
    handler: Handler  # answers the request
    public: bool = False  # whether the route needs no token


def route(admin_route: AdminRoute, services: Services, token: str) -> Route:
    """Return the Starlette route."""

    async def answer(request: Request) -> Response:
        request_id = new_request_id()
        try:
            if not admin_route.public:
                _check_token(request, token)
            _refuse_nul(request)
            result = await admin_route.handler(AdminRequest(services, request))
            return result if isinstance(result, Response) else _Json(result)
        except ApiError as error:
            return POLYKOMOS.render_error(error, request_id)
        except EngineUnavailableError as down:
            return POLYKOMOS.render_error(ApiError(503, "engine_unavailable", f"Not now: {down}."), request_id)
        except ClientDisconnect:
            return Response(status_code=400)  # the client has gone and does not read it
        except Exception:
            _failures.exception("request failed", extra={"facts": {"request_id": request_id}})
            return POLYKOMOS.render_error(
                ApiError(500, "internal_error", "Internal error; the log says more."), request_id
            )

    return Route(PREFIX + admin_route.path, answer, methods=[admin_route.method])


class _Json(JSONResponse):
    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, indent=2, default=str).encode() + b"\n"


def _refuse_nul(request: Request) -> None:
    """Refuse NUL characters, which PostgreSQL's text cannot contain.

    Raises:
        ApiError: 422, which names the parameter.
    """
    for name, value in [*request.path_params.items(), *request.query_params.multi_items()]:
        if "\x00" in str(value):
            raise invalid_field(name, "must not contain NUL characters")


def _check_token(request: Request, token: str) -> None:
    sent = bearer_token(request.headers.get("authorization"))
    if not hmac.compare_digest(sent.encode(), token.encode()):
        raise forbidden("invalid_admin_token", "This is not the admin token that `polykomos dev` printed.")
