"""Entries of the request log, and the queue from which they are written to the store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import Headers
from starlette.types import Scope

from controlplane.http.summary import RequestSummary
from controlplane.request_log.redaction import redact_body, redact_path, redact_text


@dataclass(frozen=True)
class Entry:
    """One answered request. Secrets are masked.

    Attributes:
        at: When it arrived.
        request_id: The id in the response.
        key_id: None if no key was recognised.
        key_preview: The part of the key that may be shown; None if no key was recognised.
        method: The HTTP method.
        target: The path from the root, with its query.
        operation: None if no route matched.
        status: The status of the response.
        code: The error's code; None on success.
        ms: Milliseconds until the response was ready.
        headers: The few that matter, with names in lower case.
        request_body: JSON text; None if there was no body, or it was not JSON.
        request_is_cut: Whether a part of the request's body was left out for its size.
        response_body: JSON text.
        response_is_cut: Whether a part of the response's body was left out for its size.
        id: None until the entry is stored.
    """

    at: datetime
    request_id: str
    key_id: int | None
    key_preview: str | None
    method: str
    target: str
    operation: str | None
    status: int
    code: str | None
    ms: float
    headers: Mapping[str, str]
    request_body: str | None
    request_is_cut: bool
    response_body: str
    response_is_cut: bool
    id: int | None = None


# As many entries as the store contains at most: it would drop older ones.
MOST = 1000

_HEADERS = ("idempotency-key", "content-type", "content-length", "user-agent")
_LONGEST_HEADER = 300
_LONGEST_TARGET = 2000


class Recorder:
    """A bounded queue of entries. If it is full, the oldest entries are dropped."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque(maxlen=MOST)
        self._is_waiting = asyncio.Event()

    def record(self, scope: Scope, summary: RequestSummary, *, at: datetime, ms: float) -> None:
        """Queue the entry of an answered request. The bodies are copied, with secrets masked.

        Args:
            scope: The request's ASGI scope.
            summary: The API's report about the request.
            at: When it arrived.
            ms: Milliseconds until the response was ready.
        """
        request_body = None if summary.request_body is None else redact_body(summary.request_body.value)
        response = {**summary.response_body, "request_id": summary.request_id}
        response_body = redact_body(response, summary.response_content.decode() or None)
        entry = Entry(
            at=at,
            request_id=summary.request_id,
            key_id=summary.key_id,
            key_preview=summary.key_preview,
            method=scope["method"],
            target=_target(scope),
            operation=summary.operation_id,
            status=summary.status,
            code=summary.code,
            ms=ms,
            headers=_headers(Headers(scope=scope)),
            request_body=None if request_body is None else request_body.json,
            request_is_cut=request_body is not None and request_body.is_cut,
            response_body=response_body.json,
            response_is_cut=response_body.is_cut,
        )
        self._waiting.append(entry)
        self._is_waiting.set()

    async def wait(self) -> None:
        """Return once the queue is not empty."""
        await self._is_waiting.wait()

    def drain(self) -> list[Entry]:
        """Return all queued entries, oldest first, and empty the queue."""
        self._is_waiting.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def requeue(self, entries: list[Entry]) -> None:
        """Put entries that could not be stored before those that came since."""
        self._waiting = deque([*entries, *self._waiting], maxlen=MOST)
        self._is_waiting.set()


def _target(scope: Scope) -> str:
    # As it arrived, with its percent signs. uvicorn passes both as bytes.
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return redact_path(path.decode("latin-1"), query.decode("latin-1"))[:_LONGEST_TARGET].replace("\x00", "")


def _headers(headers: Headers) -> dict[str, str]:
    present = ((name, headers.get(name)) for name in _HEADERS)
    return {name: redact_text(value)[:_LONGEST_HEADER] for name, value in present if value}
