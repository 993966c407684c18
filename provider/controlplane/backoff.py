"""Exponential backoff of failed work, so that it neither delays other work nor fills the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_FIRST_DELAY: Final = 2.0  # seconds, doubled with each failure
_LONGEST_DELAY: Final = 600.0  # seconds


class RetryDelays:
    """Objects whose work has failed, each with the time of its next retry.

    Args:
        clock: Returns seconds, as time.monotonic does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._delays: dict[int, float] = {}
        self._until: dict[int, float] = {}

    def add(self, number: int) -> float:
        """Postpone an object after a failure.

        Returns:
            The seconds until its next retry.
        """
        delay = min(_LONGEST_DELAY, self._delays.get(number, _FIRST_DELAY / 2) * 2)
        self._delays[number] = delay
        self._until[number] = self._clock() + delay
        return delay

    def forget(self, number: int) -> None:
        """Reset the delay of an object after a success."""
        self._delays.pop(number, None)
        self._until.pop(number, None)

    def now(self) -> list[int]:
        """Return the objects that must not be retried now."""
        now = self._clock()
        return [number for number, until in self._until.items() if until > now]
