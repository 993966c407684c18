"""Background work of which several pieces may be under way at once: one claims, so that a ring wakes one task only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from controlplane.notifier import Notifier

T = TypeVar("T")


class Claim(NamedTuple, Generic[T]):
    """The next piece that is due, if there is one.

    pause: seconds after which to look for another though nobody rang; 0 = at once.
    """

    item: T | None
    pause: float


_AGAIN: Final = 0.5  # seconds
_log = logging.getLogger("controlplane")


async def run_workers(
    bell: Notifier,
    concurrency: int,
    claim: Callable[[], Awaitable[Claim[T]]],
    do: Callable[[T], Awaitable[object]],
    give_back: Callable[[T, Exception], Awaitable[object]] | None = None,
) -> None:
    """Claim and do, for ever, up to `hands` at once.

    give_back: for a piece whose `do` raised; tried until it works, because nobody else takes what a living process has
    claimed. None: the error is logged, and the claim runs out by itself. Ring `bell` in `do` where that makes another
    piece due.
    """
    under_way: set[asyncio.Task[None]] = set()
    free = asyncio.Semaphore(concurrency)

    async def complete(piece: T) -> None:
        try:
            await do(piece)
        except Exception as error:
            if give_back is None:
                _log.exception("a piece of background work failed")
            else:
                await _insist(functools.partial(give_back, piece, error))
        finally:
            free.release()

    try:
        while True:
            await free.acquire()
            ear = bell.subscribe()
            try:
                claimed = await claim()
            except BaseException:
                free.release()
                raise
            if claimed.item is None:
                free.release()
            else:
                task = asyncio.create_task(complete(claimed.item))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            if claimed.pause > 0:
                await ear.wait(claimed.pause)
    finally:
        await cancel_and_wait(under_way)


async def _insist(do: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await do()
        except Exception:
            _log.exception("a piece of background work cannot be given back and is tried again")
            await asyncio.sleep(_AGAIN)
        else:
            return


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them. Python 3.11's `wait_for` (psycopg uses it) can swallow a cancellation, so ask until it is heard."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # Who waits for us may be asked again as well.
        with contextlib.suppress(asyncio.CancelledError):
            _, left = await asyncio.wait(left, timeout=0.5)
