"""Rate limiter of all calls with one API key: clock and locks around the decisions in `window`."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from resourcekit.http.errors import ClientCancelledError
from resourcekit.http.rate_limit.usage import NO_LIMIT, InMemoryUsage, UsageStore
from resourcekit.http.rate_limit.window import seconds_until_slot, should_fetch_limit

# How often a waiting call checks whether it was cancelled.
_LOOK_SECONDS: Final = 0.25
# Shorter waits are not reported.
_REPORT_SECONDS: Final = 1.0
# When to request the limit again after a request without a response.
_REFETCH_SECONDS: Final = 30.0


class RateLimiter:
    """Delays the calls of all threads of a client to stay below the key's rate limit.

    Writes go first, because other operations wait for the objects that they create.

    Args:
        record: The store of the key's usage, which other processes may share.
        clock: Returns monotonic seconds.
        log: The client's logger.
    """

    def __init__(
        self,
        record: UsageStore | None = None,
        clock: Callable[[], float] = time.monotonic,
        log: logging.Logger | None = None,
    ) -> None:
        self._record = record or InMemoryUsage()
        self._log = log or logging.getLogger(__name__)
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: list[tuple[bool, int]] = []
        self._numbers = itertools.count()
        self._under_way = 0
        self._reported_until = float("-inf")
        self._fetch_from = float("-inf")

    def acquire(self, *, write: bool, deadline: float, cancel: threading.Event, on_wait: Callable[[str], None]) -> bool:
        """Wait until one call may be sent. The caller must call `release` after it.

        Args:
            write: Whether the call is a write, which goes first.
            deadline: When to give up, on the limiter's clock.
            cancel: The event that ends the wait.
            on_wait: Called once per wait, by one waiting thread, with a message that has the expected delay.

        Returns:
            False if the deadline passed first.

        Raises:
            ClientCancelledError: The wait was cancelled.
        """
        with self._changed:
            mine = (not write, next(self._numbers))
            heapq.heappush(self._queue, mine)
        try:
            while True:
                with self._changed:
                    now = self._clock()
                    known = self._record.usage(now)
                    wait = seconds_until_slot(
                        known.calls,
                        under_way=self._under_way,
                        limit=_finite(known.limit),
                        paused_until=known.paused_until,
                        now=now,
                    )
                    if wait <= 0 and self._queue[0] == mine:
                        self._under_way += 1
                        return True
                    if now >= deadline:
                        return False
                    text = self._wait_message(now, wait, _finite(known.limit))
                    if not text:
                        self._changed.wait(min(wait or _LOOK_SECONDS, _LOOK_SECONDS, deadline - now))
                if text:
                    # Without the lock: the message goes to the engine, and other calls must not wait for that.
                    on_wait(text)
                if cancel.is_set():
                    raise ClientCancelledError("cancelled while waiting for the API's rate limit")
        finally:
            with self._changed:
                self._queue.remove(mine)
                heapq.heapify(self._queue)
                self._changed.notify_all()

    def release(self, *, refused_for: float | None = None) -> None:
        """End a call.

        Args:
            refused_for: The seconds for which a 429 response delays all calls; None for any other result. A call with
                a 429 does not count against the limit.
        """
        with self._changed:
            now = self._clock()
            self._under_way -= 1
            if refused_for is None:
                self._record.add_call(now)
            else:
                self._record.pause(now + refused_for)
            self._changed.notify_all()

    def should_fetch_limit(self) -> bool:
        """Return whether the caller should request the key's limit now; True for one caller at a time."""
        with self._changed:
            now = self._clock()
            known = self._record.usage(now)
            calls = len(known.calls) + self._under_way
            if now < self._fetch_from or not should_fetch_limit(calls, limit_known=known.limit is not None):
                return False
            self._fetch_from = now + _REFETCH_SECONDS
            return True

    def is_nearly_exhausted(self) -> bool:
        """Return whether half of the minute's calls are used."""
        with self._changed:
            known = self._record.usage(self._clock())
            return known.limit is not None and 2 * len(known.calls) >= known.limit

    def set_limit(self, limit: int | None) -> None:
        """Set the key's calls per minute; None for no limit."""
        with self._changed:
            self._record.set_limit(NO_LIMIT if limit is None else limit, self._clock())
            self._changed.notify_all()

    def _wait_message(self, now: float, wait: float, limit: int | None) -> str:
        """Return the message about a wait; empty if it is short or was reported."""
        if wait < _REPORT_SECONDS or now < self._reported_until:
            return ""
        self._reported_until = now + wait
        rate = f" of {limit} calls a minute" if limit else ""
        text = f"the API key's limit{rate} is reached: waiting {wait:.0f} s"
        self._log.info("%s, %d calls wait", text, len(self._queue))
        return text


def _finite(limit: float | None) -> int | None:
    return None if limit is None or limit == NO_LIMIT else int(limit)
