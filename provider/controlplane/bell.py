"""Waking up tasks of this process when something that they wait for may have happened."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """`ring` wakes everyone who listens at that moment.

    A hint, never the truth: whoever is woken looks into the store, and looks there every now and then without a
    ring too, because another process may have made the change. Listen *before* looking, so that a ring between
    look and wait is not lost:

        ear = bell.listen()
        ...look...
        await ear.wait(1.0)
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all who listen."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    def listen(self) -> Ear:
        """Hear every ring from now on."""
        return Ear(self._event)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the next ring from now or after `timeout` seconds."""
        await self.listen().wait(timeout)


class Ear:
    """Hears the first ring since it was made."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the ring, or after `timeout` seconds."""
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes with the ring.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(timeout, 0)):
                await self._event.wait()
