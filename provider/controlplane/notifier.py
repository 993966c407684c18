"""Notifications between tasks of this process: what a task waits for may have happened."""

from __future__ import annotations

import asyncio
import contextlib
from weakref import WeakValueDictionary


class Notifier:
    """Wakes all tasks that have subscribed.

    A notification is a hint: the task reads the store when it wakes up. It also reads the store from time to time
    without a notification, because another process may have made the change. Subscribe *before* reading, so that a
    notification between the read and the wait is not lost:

        subscription = notifier.subscribe()
        ...read the store...
        await subscription.wait(1.0)
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all subscribers."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    def subscribe(self) -> Subscription:
        """Return a subscription to the notifications from now on."""
        return Subscription(self._event)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the next notification, or after `timeout` seconds."""
        await self.subscribe().wait(timeout)


class KeyedNotifier:
    """A notifier for each key: a task that waits for one object is not woken for another."""

    def __init__(self) -> None:
        # A key is there as long as it has a subscription.
        self._events: WeakValueDictionary[int, asyncio.Event] = WeakValueDictionary()

    def notify(self, key: int | None = None) -> None:
        """Wake the subscribers of a key. None: of all keys."""
        for notified in list(self._events) if key is None else [key]:
            event = self._events.pop(notified, None)
            if event is not None:
                event.set()

    def subscribe(self, key: int) -> Subscription:
        """Return a subscription to the notifications of this key from now on."""
        event = self._events.get(key)
        if event is None:
            event = self._events[key] = asyncio.Event()
        return Subscription(event)


class Subscription:
    """Receives the first notification since it was made."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - a pause, not a deadline
        """Return at the notification, or after `timeout` seconds."""
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes with the notification.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(timeout, 0)):
                await self._event.wait()
