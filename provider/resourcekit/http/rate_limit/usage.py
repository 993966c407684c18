"""Usage of an API key: the times of its calls, its limit, and the pause that the API requested."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from resourcekit.http.rate_limit.window import WINDOW_SECONDS

# A limit can be changed in the dashboard.
LIMIT_AGE_SECONDS: Final = 600.0
NO_LIMIT: Final = math.inf


@dataclass(frozen=True)
class Usage:
    """The usage of a key at one time. Times are seconds of one monotonic clock.

    Attributes:
        calls: The times of the last minute's calls, oldest first.
        paused_until: The end of the pause of the last Retry-After; -inf for none.
        limit: The calls per minute; NO_LIMIT for no limit, None if it was not read recently.
    """

    calls: list[float]
    paused_until: float
    limit: float | None


class UsageStore(Protocol):
    """Stores the usage of a key. Times are seconds of one monotonic clock."""

    def usage(self, now: float) -> Usage:
        """Return the usage at a time."""

    def add_call(self, now: float) -> None:
        """Record a call."""

    def pause(self, until: float) -> None:
        """Record a pause of all calls."""

    def set_limit(self, limit: float, now: float) -> None:
        """Record the key's limit."""


class InMemoryUsage:
    """Stores the usage by this process."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._paused_until = -math.inf
        self._limit = 0.0
        self._learned = -math.inf

    def usage(self, now: float) -> Usage:
        """Return the usage at a time."""
        while self._calls and self._calls[0] <= now - WINDOW_SECONDS:
            self._calls.popleft()
        return current_usage(self._calls, self._paused_until, self._limit, self._learned, now)

    def add_call(self, now: float) -> None:
        """Record a call."""
        self._calls.append(now)

    def pause(self, until: float) -> None:
        """Record a pause of all calls."""
        self._paused_until = max(self._paused_until, until)

    def set_limit(self, limit: float, now: float) -> None:
        """Record the key's limit."""
        self._limit, self._learned = limit, now


def current_usage(calls: Iterable[float], paused_until: float, limit: float, learned: float, now: float) -> Usage:
    """Return the part of a record that counts at `now`. A limit of 0 is unknown. Pure."""
    return Usage(
        sorted(moment for moment in calls if now - WINDOW_SECONDS < moment <= now),
        paused_until,
        limit if limit > 0 and 0 <= now - learned <= LIMIT_AGE_SECONDS else None,
    )
