"""What a handler gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controlplane.db.pool import Row


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


@dataclass(frozen=True)
class Page:
    """limit: items wanted (1-100). starting_after: the raw cursor, None on the first page."""

    limit: int
    starting_after: str | None

    @property
    def fetch(self) -> int:
        """How many rows to select: one more than wanted tells whether there are more."""
        return self.limit + 1


def page_reply(rows: Sequence[Row], page: Page, view: Callable[[Row], dict[str, Any]]) -> ApiResponse:
    """The list envelope out of up to `page.fetch` rows."""
    return ApiResponse(200, {"data": [view(row) for row in rows[: page.limit]], "has_more": len(rows) > page.limit})


def format_z(moment: datetime) -> str:
    """`2026-02-10T14:23:01Z`: databases, blueprints, applications."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_naive(moment: datetime) -> str:
    """`2026-02-10 14:23:01`: webhooks, last_used_at, destroy_scheduled_at."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_offset(moment: datetime) -> str:
    """`2026-02-10T14:23:01+00:00`: webhook event bodies."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
