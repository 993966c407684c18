"""The background worker that writes queued entries to the store, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from controlplane.db.pool import Pool
from controlplane.request_log import store
from controlplane.request_log.recorder import Entry, Recorder

# Seconds from the first entry of a batch to its writing: short for a reader, long enough to write many at once.
_BATCH_SECONDS = 0.2
_BATCH_SIZE = 100

_log = logging.getLogger("controlplane.request_log")


async def request_log_worker(recorder: Recorder, pool: Pool) -> None:
    """Write recorded entries until the task is cancelled, and then the rest."""
    try:
        while True:
            await recorder.wait()
            await asyncio.sleep(_BATCH_SECONDS)
            await _complete(_flush(recorder, pool))
    except asyncio.CancelledError:
        await _flush(recorder, pool)
        raise


async def _complete(writing: Coroutine[None, None, None]) -> None:
    """Complete a write also when cancelled: an interrupted commit may have happened, and would be repeated."""
    task = asyncio.create_task(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _flush(recorder: Recorder, pool: Pool) -> None:
    entries = recorder.drain()
    if not entries:
        return
    while entries:
        batch = entries[:_BATCH_SIZE]
        try:
            async with pool.connection() as conn:
                await store.write(conn, batch)
        except (psycopg.OperationalError, PoolTimeout, asyncio.CancelledError):
            # A temporary failure: the entries are written later.
            recorder.requeue(entries)
            raise
        except Exception:
            # A retry would fail again, and delay all entries that follow.
            await _write_singly(pool, batch)
        entries = entries[_BATCH_SIZE:]
    async with pool.connection() as conn:
        await store.delete_old(conn)


async def _write_singly(pool: Pool, batch: Sequence[Entry]) -> None:
    """Write each entry by itself, and drop those that cannot be stored."""
    for entry in batch:
        try:
            async with pool.connection() as conn:
                await store.write(conn, [entry])
        except Exception:
            _log.exception("an entry of the request log could not be stored and is dropped")
