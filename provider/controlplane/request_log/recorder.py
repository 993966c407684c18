"""One entry of the request log."""

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
    """One answered request, secrets masked.

    id: None until it is stored. key_id, key_preview: None when no key was recognised. target: the path from the root
    with its query. operation: None when no route was reached. code: the error's, None on success. ms: until the
    answer was ready. headers: in small letters, the few that matter. request_body, response_body: JSON text, None
    when there was none (or it was not JSON); …_is_cut: something of it was left out for its size.
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


# As many as are kept in the store: older ones would be dropped there anyway.
MOST = 1000

_HEADERS = ("idempotency-key", "content-type", "content-length", "user-agent")
_LONGEST_HEADER = 300
_LONGEST_TARGET = 2000


class Recorder:
    """A bounded queue of entries; the newest stay when nobody takes them."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque(maxlen=MOST)
        self._is_waiting = asyncio.Event()

    def record(self, scope: Scope, summary: RequestSummary, *, at: datetime, ms: float) -> None:
        """Queue the entry of an answered request. The bodies are copied, with secrets masked.

        Args:
            scope: The request as the server gave it.
            summary: What the API says of it.
            at: When it arrived.
            ms: Milliseconds until the response was ready.
        """
        asked = None if summary.request_body is None else redact_body(summary.request_body.value)
        answer = {**summary.response_body, "request_id": summary.request_id}
        answered = redact_body(answer, summary.response_content.decode())
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
            request_body=None if asked is None else asked.json,
            request_is_cut=asked is not None and asked.is_cut,
            response_body=answered.json,
            response_is_cut=answered.is_cut,
        )
        self._waiting.append(entry)
        self._is_waiting.set()

    async def wait(self) -> None:
        """Return once there is something to take."""
        await self._is_waiting.wait()

    def drain(self) -> list[Entry]:
        """All that waits, oldest first; it is the caller's now."""
        self._is_waiting.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def requeue(self, entries: list[Entry]) -> None:
        """Entries that could not be stored, before those that came since; the oldest go if they are too many."""
        self._waiting = deque([*entries, *self._waiting], maxlen=MOST)
        self._is_waiting.set()


def _target(scope: Scope) -> str:
    # As it came, percent signs and all; uvicorn gives both as bytes.
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return redact_path(path.decode("latin-1"), query.decode("latin-1"))[:_LONGEST_TARGET].replace("\x00", "")


def _headers(headers: Headers) -> dict[str, str]:
    present = ((name, headers.get(name)) for name in _HEADERS)
    return {name: redact_text(value)[:_LONGEST_HEADER] for name, value in present if value}
