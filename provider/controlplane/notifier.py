"""Waking up tasks of this process when something that they wait for may have happened."""

from __future__ import annotations

import asyncio
import contextlib
from weakref import WeakValueDictionary


class Notifier:
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

    def notify(self) -> None:
        """Wake all who listen."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    def subscribe(self) -> Subscription:
        """Hear every ring from now on."""
        return Subscription(self._event)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the next ring from now or after `timeout` seconds."""
        await self.subscribe().wait(timeout)


class KeyedNotifier:
    """A bell at each of many doors: who waits for one thing is not woken for the others."""

    def __init__(self) -> None:
        # A door is there as long as somebody listens at it.
        self._events: WeakValueDictionary[int, asyncio.Event] = WeakValueDictionary()

    def notify(self, door: int | None = None) -> None:
        """Wake all who listen at the door; None: at any."""
        for each in list(self._events) if door is None else [door]:
            event = self._events.pop(each, None)
            if event is not None:
                event.set()

    def subscribe(self, door: int) -> Subscription:
        """Hear every ring at this door from now on."""
        event = self._events.get(door)
        if event is None:
            event = self._events[door] = asyncio.Event()
        return Subscription(event)


class Subscription:
    """Hears the first ring since it was made."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the ring, or after `timeout` seconds."""
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes with the ring.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(timeout, 0)):
                await self._event.wait()
