"""RequestLogMiddleware: one line on stderr and one entry of the request log for each answered request."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlplane.clock import Clock
from controlplane.http.summary import EXTENSION, RequestSummary, with_extension
from controlplane.request_log.recorder import Recorder
from controlplane.request_log.redaction import redact_text

_log = logging.getLogger("controlplane.request")


class RequestLogMiddleware:
    """ASGI middleware around the API, which must support the extension of controlplane.http.summary."""

    def __init__(self, app: ASGIApp, *, recorder: Recorder, clock: Clock) -> None:
        """Wrap `app`; entries go to `recorder`, at the time of `clock`."""
        self._app = app
        self._recorder = recorder
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, then log it. A request whose client has gone before the answer is not logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        at, started = self._clock.now(), time.perf_counter()
        summary: RequestSummary | None = None
        milliseconds = 0.0

        async def take_summary(message: Message) -> None:
            nonlocal summary, milliseconds
            if message["type"] != EXTENSION:
                await send(message)
                return
            summary = message["summary"]
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            _log.info("request", extra={"facts": _facts(scope, message["summary"], milliseconds)})

        await self._app(with_extension(scope), receive, take_summary)
        if summary is not None:
            self._recorder.record(scope, summary, at=at, ms=milliseconds)


def _facts(scope: Scope, summary: RequestSummary, milliseconds: float) -> dict[str, object]:
    """Return the facts of a request for its line on stderr."""
    optional = {
        "fault": summary.fault_rule,
        "key": summary.key_preview,
        "operation": summary.operation_id,
        "code": summary.code,
    }
    return {
        "method": scope["method"],
        "path": redact_text(scope["path"]),
        "status": summary.status,
        "ms": milliseconds,
        "request_id": summary.request_id,
        **{name: value for name, value in optional.items() if value is not None},
    }
