"""The background worker that brings entries from the queue to the store, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from controlplane.services import Services, Worker
from controlplane.traffic import store
from controlplane.traffic.entries import Entry

# Seconds from the first entry of a batch to its writing: short for who watches, long enough to write many at once.
_GATHER = 0.2
_BATCH = 100

_log = logging.getLogger("controlplane.traffic")


async def work(services: Services) -> None:
    """Write what was recorded, for ever; the rest when the process ends."""
    try:
        while True:
            await services.traffic.wait()
            await asyncio.sleep(_GATHER)
            await _to_its_end(_flush(services))
    except asyncio.CancelledError:
        await _flush(services)
        raise


async def _to_its_end(writing: Coroutine[None, None, None]) -> None:
    """Also when cancelled: a commit that is broken off may have been made, and would be made again."""
    task = asyncio.create_task(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _flush(services: Services) -> None:
    entries = services.traffic.take()
    while entries:
        batch = entries[:_BATCH]
        try:
            async with services.pool.connection() as conn:
                await store.write(conn, batch)
        except (psycopg.OperationalError, PoolTimeout, asyncio.CancelledError):
            # That passes.
            services.traffic.put_back(entries)
            raise
        except Exception:
            # Trying again would fail again, and keep all that follow waiting.
            await _write_singly(services, batch)
        entries = entries[_BATCH:]


async def _write_singly(services: Services, batch: Sequence[Entry]) -> None:
    """Write each by itself, and drop those that cannot be stored."""
    for entry in batch:
        try:
            async with services.pool.connection() as conn:
                await store.write(conn, [entry])
        except Exception:
            _log.exception("an entry of the request log could not be stored and is dropped")


WORKERS: tuple[Worker, ...] = (work,)
