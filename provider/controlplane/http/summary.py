"""An ASGI extension: the API reports each request to the middleware around it.

Starlette's `http.response.debug` is the model. If the scope names the extension, the application sends one more message
before the response starts. The middleware that named it takes the message, so that no server receives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

EXTENSION: Final = "polykomos.request.summary"


@dataclass(frozen=True)
class JsonBody:
    """A request's body that was read as JSON, `null` included."""

    value: object


@dataclass(frozen=True)
class RequestSummary:
    """One answered request.

    Attributes:
        request_id: The id in the response.
        status: The status that is sent.
        response_body: The response's JSON without `request_id`.
        response_content: The response's body as bytes.
        code: The error's code; None on success.
        request_body: None if it was not read.
        operation_id: None if no route matched.
        key_id: None if no key was recognised.
        key_preview: The part of the key that may be shown; None if no key was recognised.
        fault_rule: The id of the fault rule that was applied.
    """

    request_id: str
    status: int
    response_body: Mapping[str, Any]
    response_content: bytes
    code: str | None = None
    request_body: JsonBody | None = None
    operation_id: str | None = None
    key_id: int | None = None
    key_preview: str | None = None
    fault_rule: int | None = None


def with_extension(scope: Scope) -> Scope:
    """Return the scope of a request that names the extension."""
    return {**scope, "extensions": {**scope.get("extensions", {}), EXTENSION: {}}}


async def send_summary(summary: RequestSummary, scope: Scope, send: Send) -> None:
    """Send the summary if a middleware named the extension. Call it before the response starts."""
    if EXTENSION in scope.get("extensions", {}):
        await send({"type": EXTENSION, "summary": summary})


async def respond(summary: RequestSummary, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the summary, then the response."""
    await send_summary(summary, scope, send)
    await response(scope, receive, send)
