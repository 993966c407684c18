"""One rate budget for all calls with one key: clock and locks around the decisions of `pace`."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from polykomos.client.errors import Cancelled
from polykomos.client.pace import WINDOW_SECONDS, seconds_until_room, should_learn

log = logging.getLogger("polykomos.client")
# How often one that waits looks whether it was told to stop.
_LOOK_SECONDS: Final = 0.25
# A shorter wait is not worth a word.
_TELL_SECONDS: Final = 1.0


class Budget:
    """Turns for calls, shared by all threads of a client. Writes go first: others wait for what they make."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: list[tuple[bool, int]] = []
        self._numbers = itertools.count()
        self._counted: deque[float] = deque()
        self._under_way = 0
        self._paused_until = float("-inf")
        self._told_until = float("-inf")
        self._limit: int | None = None
        self._limit_known = False

    def take(self, *, write: bool, deadline: float, cancel: threading.Event, say: Callable[[str], None]) -> bool:
        """Wait for the turn of one call, to be ended by `done`; False when the deadline came first.

        say: told once a pause how long it is, by one of those who wait. Raises Cancelled.
        """
        with self._changed:
            mine = (not write, next(self._numbers))
            heapq.heappush(self._queue, mine)
            try:
                while True:
                    now = self._clock()
                    wait = self._wait(now)
                    if wait <= 0 and self._queue[0] == mine:
                        self._under_way += 1
                        return True
                    if now >= deadline:
                        return False
                    text = self._words(now, wait)
                    if text:
                        say(text)
                    self._changed.wait(min(wait or _LOOK_SECONDS, _LOOK_SECONDS, deadline - now))
                    if cancel.is_set():
                        raise Cancelled("cancelled while waiting for the API's rate limit")
            finally:
                self._queue.remove(mine)
                heapq.heapify(self._queue)
                self._changed.notify_all()

    def done(self, *, refused_for: float | None = None) -> None:
        """The call was answered or lost. refused_for: seconds that a 429 asks everybody to wait; it did not count."""
        with self._changed:
            now = self._clock()
            self._under_way -= 1
            if refused_for is None:
                self._counted.append(now)
            else:
                self._paused_until = max(self._paused_until, now + refused_for)
            self._changed.notify_all()

    def wants_limit(self) -> bool:
        """Whether the caller should ask for the key's limit now. True once for all callers."""
        with self._changed:
            self._forget(self._clock())
            calls = len(self._counted) + self._under_way
            wanted = should_learn(calls, limit_known=self._limit_known)
            self._limit_known |= wanted
            return wanted

    def is_scarce(self) -> bool:
        """Whether half of the minute's calls are used up."""
        with self._changed:
            self._forget(self._clock())
            return self._limit is not None and 2 * len(self._counted) >= self._limit

    def learn(self, limit: int | None) -> None:
        """The key's calls a minute; None: no limit."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def _wait(self, now: float) -> float:
        self._forget(now)
        return seconds_until_room(
            self._counted,
            under_way=self._under_way,
            limit=self._limit,
            paused_until=self._paused_until,
            now=now,
        )

    def _forget(self, now: float) -> None:
        while self._counted and self._counted[0] <= now - WINDOW_SECONDS:
            self._counted.popleft()

    def _words(self, now: float, wait: float) -> str:
        """What to tell of a wait; empty when somebody has told of it."""
        if wait < _TELL_SECONDS or now < self._told_until:
            return ""
        self._told_until = now + wait
        limit = f" of {self._limit} calls a minute" if self._limit else ""
        text = f"the API key's limit{limit} is reached: waiting {wait:.0f} s"
        log.info("%s, %d calls wait", text, len(self._queue))
        return text
