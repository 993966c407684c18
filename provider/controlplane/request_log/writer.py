"""The background worker that brings entries from the queue to the store, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from controlplane.db.pool import Pool
from controlplane.request_log import store
from controlplane.request_log.recorder import Entry, Recorder

# Seconds from the first entry of a batch to its writing: short for who watches, long enough to write many at once.
_GATHER = 0.2
_BATCH = 100

_log = logging.getLogger("controlplane.request_log")


async def request_log_worker(recorder: Recorder, pool: Pool) -> None:
    """Write recorded entries until this is cancelled, and then what is left."""
    try:
        while True:
            await recorder.wait()
            await asyncio.sleep(_GATHER)
            await _to_its_end(_flush(recorder, pool))
    except asyncio.CancelledError:
        await _flush(recorder, pool)
        raise


async def _to_its_end(writing: Coroutine[None, None, None]) -> None:
    """Also when cancelled: a commit that is broken off may have been made, and would be made again."""
    task = asyncio.create_task(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _flush(recorder: Recorder, pool: Pool) -> None:
    entries = recorder.drain()
    while entries:
        batch = entries[:_BATCH]
        try:
            async with pool.connection() as conn:
                await store.write(conn, batch)
        except (psycopg.OperationalError, PoolTimeout, asyncio.CancelledError):
            # That passes.
            recorder.requeue(entries)
            raise
        except Exception:
            # Trying again would fail again, and keep all that follow waiting.
            await _write_singly(pool, batch)
        entries = entries[_BATCH:]


async def _write_singly(pool: Pool, batch: Sequence[Entry]) -> None:
    """Write each by itself, and drop those that cannot be stored."""
    for entry in batch:
        try:
            async with pool.connection() as conn:
                await store.write(conn, [entry])
        except Exception:
            _log.exception("an entry of the request log could not be stored and is dropped")
