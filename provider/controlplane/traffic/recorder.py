"""From an answered request to an entry in the queue: all that a request pays for the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request

from controlplane.traffic.entries import Entry
from controlplane.traffic.masking import kept, mask_target, mask_text

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

    def record(
        self,
        request: Request,
        *,
        at: datetime,
        request_id: str,
        status: int,
        answer: Mapping[str, object],
        content: bytes,
        facts: Mapping[str, object],
        ms: float,
    ) -> None:
        """Note an answered request. The kernel leaves `key_id` and `body` in its state as far as it came.

        answer, content: the reply's body, and as it was sent. facts: key, operation and code, as for the log line.
        The bodies are copied, not held.
        """
        asked = kept(request.state.body) if hasattr(request.state, "body") else None
        answered = kept({**answer, "request_id": request_id}, content.decode())
        entry = Entry(
            at=at,
            request_id=request_id,
            key_id=getattr(request.state, "key_id", None),
            key_preview=_text(facts.get("key")),
            method=request.method,
            target=_target(request),
            operation=_text(facts.get("operation")),
            status=status,
            code=_text(facts.get("code")),
            ms=ms,
            headers=_headers(request),
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

    def take(self) -> list[Entry]:
        """All that waits, oldest first; it is the caller's now."""
        self._is_waiting.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def put_back(self, entries: list[Entry]) -> None:
        """Entries that could not be stored, before those that came since; the oldest go if they are too many."""
        self._waiting = deque([*entries, *self._waiting], maxlen=MOST)
        self._is_waiting.set()


def _target(request: Request) -> str:
    # As it came, percent signs and all; uvicorn gives both as bytes.
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return mask_target(path.decode("latin-1"), query.decode("latin-1"))[:_LONGEST_TARGET].replace("\x00", "")


def _headers(request: Request) -> dict[str, str]:
    present = ((name, request.headers.get(name)) for name in _HEADERS)
    return {name: mask_text(value)[:_LONGEST_HEADER] for name, value in present if value}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
