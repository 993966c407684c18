"""What is known of a key's calls: when they were answered, what the limit is, how long everybody was asked to wait."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from polykomos.client.rate_limit.window import WINDOW_SECONDS

# A limit can be changed in the dashboard.
LIMIT_AGE_SECONDS: Final = 600.0
NO_LIMIT: Final = math.inf


@dataclass(frozen=True)
class Usage:
    """calls: moments of the last minute, oldest first. paused_until: by the last Retry-After; -inf = not at all.
    limit: calls a minute, NO_LIMIT where there is none, None where nobody learned it lately.
    """

    calls: list[float]
    paused_until: float
    limit: float | None


class UsageStore(Protocol):
    """Moments are seconds of one monotonic clock."""

    def usage(self, now: float) -> Usage:
        """What counts now."""

    def add_call(self, now: float) -> None:
        """A call was answered."""

    def pause(self, until: float) -> None:
        """Everybody was asked to wait."""

    def set_limit(self, limit: float, now: float) -> None:
        """The key's limit is known."""


class InMemoryUsage:
    """Of this process's own calls."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._paused_until = -math.inf
        self._limit = 0.0
        self._learned = -math.inf

    def usage(self, now: float) -> Usage:
        while self._calls and self._calls[0] <= now - WINDOW_SECONDS:
            self._calls.popleft()
        return current_usage(self._calls, self._paused_until, self._limit, self._learned, now)

    def add_call(self, now: float) -> None:
        self._calls.append(now)

    def pause(self, until: float) -> None:
        self._paused_until = max(self._paused_until, until)

    def set_limit(self, limit: float, now: float) -> None:
        self._limit, self._learned = limit, now


def current_usage(calls: Iterable[float], paused_until: float, limit: float, learned: float, now: float) -> Usage:
    """What of a record counts at `now`. limit: 0 = nobody learned it. Pure."""
    return Usage(
        sorted(moment for moment in calls if now - WINDOW_SECONDS < moment <= now),
        paused_until,
        limit if limit > 0 and 0 <= now - learned <= LIMIT_AGE_SECONDS else None,
    )
