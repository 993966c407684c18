"""Limit how many calls of one user run at the same time, so that one user cannot use up what all users share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final
from weakref import WeakValueDictionary

AT_ONCE: Final = 8  # dry runs of one user
_PATIENCE: Final = 12.0  # seconds


class UserQueue:
    """Slots of users.

    Args:
        busy: Returns the error that is raised when a user gets no slot in time.
        at_once: How many slots a user may have at the same time.
        patience: Seconds until a call is refused.
    """

    def __init__(
        self,
        busy: Callable[[], Exception] = TimeoutError,
        *,
        at_once: int = AT_ONCE,
        patience: float = _PATIENCE,
    ) -> None:
        self._busy = busy
        self._at_once = at_once
        self._patience = patience
        # A semaphore is there as long as a call has a slot or waits for one.
        self._semaphores: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def slot(self, user: int) -> AsyncIterator[None]:
        """Wait for a slot of this user and use it for the block.

        Raises:
            Exception: The error that `busy` returns, if there is no slot in time.
        """
        semaphore = self._semaphores.setdefault(user, asyncio.Semaphore(self._at_once))
        try:
            async with asyncio.timeout(self._patience):
                await semaphore.acquire()
        except TimeoutError:
            raise self._busy() from None
        try:
            yield
        finally:
            semaphore.release()
