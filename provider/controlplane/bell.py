"""Waking up tasks of this process when something that they wait for may have happened."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """`ring` wakes everyone who is in `wait` at that moment.

    A hint, never the truth: whoever is woken looks into the store, and looks there every now and then without a
    ring too, because another process may have made the change.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all present waiters."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline: returns silently
        """Return at the next ring or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), max(timeout, 0))
