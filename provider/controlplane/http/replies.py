"""What a handler gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ApiResponse:
    """A status and a JSON body (the kernel adds `request_id`).

    then: something slow to do after the commit, such as waiting; its reply is sent instead. The first reply is
    stored with the changes all the same, so that it answers a replay if the process dies while waiting.
    """

    status: int
    body: dict[str, Any]
    after_commit: Callable[[], Awaitable[ApiResponse]] | None = None


def envelope(data: object, *, status: int = 200, message: str | None = None, **extra: object) -> ApiResponse:
    """The usual envelope: `{message?, data, …extra}`."""
    head = {} if message is None else {"message": message}
    return ApiResponse(status, {**head, "data": data, **extra})
