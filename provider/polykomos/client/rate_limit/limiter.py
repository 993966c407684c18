"""One rate budget for all calls with one key: clock and locks around the decisions of `pace`."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from polykomos.client.errors import ClientCancelledError
from polykomos.client.rate_limit.usage import NO_LIMIT, InMemoryUsage, UsageStore
from polykomos.client.rate_limit.window import seconds_until_slot, should_fetch_limit

log = logging.getLogger("polykomos.client")
# How often one that waits looks whether it was told to stop.
_LOOK_SECONDS: Final = 0.25
# A shorter wait is not worth a word.
_TELL_SECONDS: Final = 1.0
# Who asked for the limit and got no answer asks again later.
_ASK_AGAIN_SECONDS: Final = 30.0


class RateLimiter:
    """Turns for calls, shared by all threads of a client. Writes go first: others wait for what they make.

    record: what is known of the key's calls, perhaps by other processes too.
    """

    def __init__(self, record: UsageStore | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record or InMemoryUsage()
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: list[tuple[bool, int]] = []
        self._numbers = itertools.count()
        self._under_way = 0
        self._told_until = float("-inf")
        self._ask_from = float("-inf")

    def acquire(self, *, write: bool, deadline: float, cancel: threading.Event, say: Callable[[str], None]) -> bool:
        """Wait for the turn of one call, to be ended by `done`; False when the deadline came first.

        say: told once a pause how long it is, by one of those who wait. Raises Cancelled.
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
                    text = self._words(now, wait, _finite(known.limit))
                    if not text:
                        self._changed.wait(min(wait or _LOOK_SECONDS, _LOOK_SECONDS, deadline - now))
                if text:
                    # Without the lock: the message goes to the engine, and other calls must not wait for that.
                    say(text)
                if cancel.is_set():
                    raise ClientCancelledError("cancelled while waiting for the API's rate limit")
        finally:
            with self._changed:
                self._queue.remove(mine)
                heapq.heapify(self._queue)
                self._changed.notify_all()

    def release(self, *, refused_for: float | None = None) -> None:
        """The call was answered or lost. refused_for: seconds that a 429 asks everybody to wait; it did not count."""
        with self._changed:
            now = self._clock()
            self._under_way -= 1
            if refused_for is None:
                self._record.add_call(now)
            else:
                self._record.pause(now + refused_for)
            self._changed.notify_all()

    def should_fetch_limit(self) -> bool:
        """Whether the caller should ask for the key's limit now, and then `learn` it. True for one caller at a time."""
        with self._changed:
            now = self._clock()
            known = self._record.usage(now)
            calls = len(known.calls) + self._under_way
            if now < self._ask_from or not should_fetch_limit(calls, limit_known=known.limit is not None):
                return False
            self._ask_from = now + _ASK_AGAIN_SECONDS
            return True

    def is_nearly_exhausted(self) -> bool:
        """Whether half of the minute's calls are used up."""
        with self._changed:
            known = self._record.usage(self._clock())
            return known.limit is not None and 2 * len(known.calls) >= known.limit

    def set_limit(self, limit: int | None) -> None:
        """The key's calls a minute; None: no limit."""
        with self._changed:
            self._record.set_limit(NO_LIMIT if limit is None else limit, self._clock())
            self._changed.notify_all()

    def _words(self, now: float, wait: float, limit: int | None) -> str:
        """What to tell of a wait; empty when somebody has told of it."""
        if wait < _TELL_SECONDS or now < self._told_until:
            return ""
        self._told_until = now + wait
        of = f" of {limit} calls a minute" if limit else ""
        text = f"the API key's limit{of} is reached: waiting {wait:.0f} s"
        log.info("%s, %d calls wait", text, len(self._queue))
        return text


def _finite(limit: float | None) -> int | None:
    return None if limit is None or limit == NO_LIMIT else int(limit)
