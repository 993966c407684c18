"""A pool of background workers. A single task claims and starts jobs, so that a notification wakes one task only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from controlplane.db.pool import Connection, Pool
from controlplane.notifier import Notifier

T = TypeVar("T")


class Claim(NamedTuple, Generic[T]):
    """The next job that is due, if there is one."""

    item: T | None
    pause: float  # seconds after which to look for another job without a notification; 0 = at once


LOOK_EVERY: Final = 1.0  # seconds, in case a notification is lost
_RETRY_SECONDS: Final = 0.5
_log = logging.getLogger("controlplane")


async def run_workers(
    notifier: Notifier,
    concurrency: int,
    claim: Callable[[], Awaitable[Claim[T]]],
    do: Callable[[T], Awaitable[object]],
    give_back: Callable[[T, Exception], Awaitable[object]] | None = None,
) -> None:
    """Claim and run jobs without end, up to `concurrency` at a time.

    Args:
        notifier: Notifies that a job is due. Let `do` notify it too if that makes another job due.
        concurrency: How many jobs run at a time.
        claim: Claims the next job that is due.
        do: Runs a job.
        give_back: Releases a job whose `do` raised. It is retried until it works, because no other process takes a job
            that a living process has claimed. None: the error is logged, and the claim expires by itself.
    """
    running: set[asyncio.Task[None]] = set()
    free = asyncio.Semaphore(concurrency)

    async def complete(job: T) -> None:
        try:
            await do(job)
        except Exception as error:
            if give_back is None:
                _log.exception("a background job failed")
            else:
                await _insist(functools.partial(give_back, job, error))
        finally:
            free.release()

    try:
        while True:
            await free.acquire()
            subscription = notifier.subscribe()
            try:
                claimed = await claim()
            except BaseException:
                free.release()
                raise
            if claimed.item is None:
                free.release()
            else:
                task = asyncio.create_task(complete(claimed.item))
                running.add(task)
                task.add_done_callback(running.discard)
            if claimed.pause > 0:
                await subscription.wait(claimed.pause)
    finally:
        await cancel_and_wait(running)


async def run_queue(
    pool: Pool,
    notifier: Notifier,
    concurrency: int,
    claim: Callable[[Connection], Awaitable[T | None]],
    do: Callable[[T], Awaitable[object]],
    give_back: Callable[[T, Exception], Awaitable[object]] | None = None,
) -> None:
    """Claim and run the jobs of a table (`run_workers`).

    It looks for a job every second, in case a notification is lost.

    Args:
        pool: The store's connections.
        notifier: Notifies that a job is due.
        concurrency: How many jobs run at a time.
        claim: Claims the next job in one statement, or returns None.
        do: Runs a job.
        give_back: Releases a job whose `do` raised, as for `run_workers`.
    """

    async def next_job() -> Claim[T]:
        async with pool.connection() as conn:
            job = await claim(conn)
        return Claim(job, LOOK_EVERY if job is None else 0)

    await run_workers(notifier, concurrency, next_job, do, give_back)


async def _insist(do: Callable[[], Awaitable[object]]) -> None:
    """Retry until it works."""
    while True:
        try:
            await do()
        except Exception:
            _log.exception("a background job cannot be released and is retried")
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they end. Python 3.11's `wait_for` (psycopg uses it) can swallow a cancellation."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # The caller may be cancelled again as well.
        with contextlib.suppress(asyncio.CancelledError):
            _, left = await asyncio.wait(left, timeout=0.5)
