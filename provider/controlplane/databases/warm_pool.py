"""Keeping instances ready for instant assignment, of each engine."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from typing import Final

from controlplane.databases.catalog import DEFAULT_ENGINE
from controlplane.db.pool import Connection
from controlplane.db.process_lease import NO_OWNER, WITH_LIVE_PROCESSES
from controlplane.engines.base import DatabaseEngine, EngineUnavailableError
from controlplane.services import Services

_LOOK_EVERY = 1.0  # seconds, should a ring get lost
_POOL_LOCK = 0x706F6F6C  # "pool": processes that share a store do not overfill it
_CLAIM: Final = f"""
{WITH_LIVE_PROCESSES}, found AS (
    UPDATE pool_instances SET owner = %(me)s WHERE id = (
        SELECT min(id) FROM pool_instances WHERE db_type = %(db_type)s AND NOT is_ready
        AND coalesce(owner, {NO_OWNER}) NOT IN (TABLE living) AND %(me)s IN (TABLE living))
    RETURNING id
), made AS (
    INSERT INTO pool_instances (db_type, owner, created_at) SELECT %(db_type)s, %(me)s, %(now)s
    WHERE NOT EXISTS (TABLE found) AND %(me)s IN (TABLE living)
    AND (SELECT count(*) FROM pool_instances WHERE db_type = %(db_type)s) < %(size)s
    RETURNING id)
TABLE found UNION ALL TABLE made
"""  # noqa: S608


_log = logging.getLogger("controlplane.provisioning")


async def warm_pool_worker(services: Services) -> None:
    """Fill the pool up to its size whenever an instance was taken, for ever."""
    while True:
        ear = services.notifiers.pool.subscribe()
        filled = False
        for engine in services.engines:
            # The pool alone starts no server.
            if engine.is_running and engine.is_local:
                try:
                    filled |= await fill_one(services, engine)
                except EngineUnavailableError:
                    pass
                except Exception:
                    # The other engine's are made all the same, and this one's after a pause.
                    _log.exception("an instance could not be prepared", extra={"facts": {"engine": engine.value}})
        if not filled:
            await ear.wait(_LOOK_EVERY)


async def wait_until_full(services: Services, patience: float) -> None:
    """Return when the default engine's pool is full, after `patience` seconds at the latest."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        async with services.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT count(*) AS ready FROM pool_instances WHERE is_ready AND db_type = %s", (DEFAULT_ENGINE,)
            )
            row = await cursor.fetchone()
        if row and row["ready"] >= services.pool_size:
            return
        await asyncio.sleep(0.02)


async def fill_one(services: Services, engine: DatabaseEngine) -> bool:
    """Build one instance; False if none is missing."""
    async with services.pool.connection() as conn, conn.transaction():
        number = await _claim(services, conn, engine.value)
    if number is None:
        return False
    try:
        await engine.provision(number, functools.partial(services.controls.at_step, services.pool))
    except BaseException:
        await _update(services, number, is_ready=False)
        raise
    await _update(services, number, is_ready=True)
    return True


async def _claim(services: Services, conn: Connection, db_type: str) -> int | None:
    """A half-built instance that nobody works on, or a new number while there are too few."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_POOL_LOCK,))
    cursor = await conn.execute(
        _CLAIM,
        {
            "me": services.process_id,
            "now": services.clock.now(),
            "db_type": db_type,
            "size": services.pool_size,
        },
    )
    row = await cursor.fetchone()
    return None if row is None else int(row["id"])


async def _update(services: Services, number: int, *, is_ready: bool) -> None:
    async with services.pool.connection() as conn:
        # Only while it is ours: who was taken for dead may have lost it to another.
        await conn.execute(
            "UPDATE pool_instances SET is_ready = %s, owner = NULL WHERE id = %s AND owner = %s",
            (is_ready, number, services.process_id),
        )
