"""Turns: a user's own calls wait for each other, so that nobody's take all that there is of something."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final
from weakref import WeakValueDictionary

from controlplane.http.errors import ApiError

AT_ONCE: Final = 8  # rehearsals of one user
_PATIENCE: Final = 12.0  # seconds


class Turns:
    """at_once: how many a user may have at the same time. patience: seconds until a call is refused."""

    def __init__(self, at_once: int = AT_ONCE, patience: float = _PATIENCE) -> None:
        self._at_once = at_once
        self._patience = patience
        # One is there as long as a call holds it or waits for it.
        self._of: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def take(self, user: int) -> AsyncIterator[None]:
        """Wait for a turn of this user's, and have it for the block. Raises ApiError 503 `validation_busy`."""
        semaphore = self._of.setdefault(user, asyncio.Semaphore(self._at_once))
        try:
            async with asyncio.timeout(self._patience):
                await semaphore.acquire()
        except TimeoutError:
            message = "Too many of your blueprints are being validated at the moment. Try again."
            raise ApiError(503, "validation_busy", message, headers={"Retry-After": "1"}) from None
        try:
            yield
        finally:
            semaphore.release()
