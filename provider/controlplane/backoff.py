"""What failed and is tried again later, so that it neither keeps what comes after it waiting nor fills the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_FIRST_PAUSE: Final = 2.0  # seconds, doubled with each failure
_LONGEST_PAUSE: Final = 600.0


class RetryDelays:
    """Numbers of objects, each with the time before which it is not tried again. clock: seconds, as time.monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[int, float] = {}
        self._until: dict[int, float] = {}

    def add(self, number: int) -> float:
        """Postpone it after a failure; returns the seconds until it is tried again."""
        pause = min(_LONGEST_PAUSE, self._pauses.get(number, _FIRST_PAUSE / 2) * 2)
        self._pauses[number] = pause
        self._until[number] = self._clock() + pause
        return pause

    def forget(self, number: int) -> None:
        """It succeeded."""
        self._pauses.pop(number, None)
        self._until.pop(number, None)

    def now(self) -> list[int]:
        """Return those that are not to be tried now."""
        now = self._clock()
        return [number for number, until in self._until.items() if until > now]
