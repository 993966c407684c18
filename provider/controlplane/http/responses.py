"""Responses of handlers: the envelope, pages of lists, time stamps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controlplane.db.pool import Row


@dataclass(frozen=True)
class ApiResponse:
    """A status and a JSON body, to which `request_id` is added.

    Attributes:
        status: The HTTP status.
        body: The JSON body without `request_id`.
        after_commit: Something slow to do after the commit, such as waiting. Its response is sent instead of this one.
            This one is stored with the changes, so that it answers a replay if the process dies while waiting.
    """

    status: int
    body: dict[str, Any]
    after_commit: Callable[[], Awaitable[ApiResponse]] | None = None


def envelope(data: object, *, status: int = 200, message: str | None = None, **extra: object) -> ApiResponse:
    """Return the usual envelope: `{message?, data, …extra}`."""
    head = {} if message is None else {"message": message}
    return ApiResponse(status, {**head, "data": data, **extra})


@dataclass(frozen=True)
class Page:
    """The page of a list that a request is for.

    Attributes:
        limit: Items on the page (1-100).
        starting_after: The raw cursor; None on the first page.
    """

    limit: int
    starting_after: str | None

    @property
    def fetch(self) -> int:
        """Return how many rows to select: one more than the limit shows whether there are more."""
        return self.limit + 1


def page_reply(rows: Sequence[Row], page: Page, view: Callable[[Row], dict[str, Any]]) -> ApiResponse:
    """Return the envelope of a list from up to `page.fetch` rows."""
    return ApiResponse(200, {"data": [view(row) for row in rows[: page.limit]], "has_more": len(rows) > page.limit})


def format_z(moment: datetime) -> str:
    """Format a time as `2026-02-10T14:23:01Z`: databases, blueprints, applications."""
    return _seconds(moment, "T") + "Z"


def format_naive(moment: datetime) -> str:
    """Format a time as `2026-02-10 14:23:01`: webhooks, last_used_at, destroy_scheduled_at."""
    return _seconds(moment, " ")


def format_offset(moment: datetime) -> str:
    """Format a time as `2026-02-10T14:23:01+00:00`: bodies of webhook events."""
    return _seconds(moment, "T") + "+00:00"


def _seconds(moment: datetime, separator: str) -> str:
    """Return a time in UTC to the second, without a zone. isoformat takes a fifth of the time of strftime."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(separator, "seconds")
