"""Warm pool: instances of each engine that are ready to be assigned."""

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
from controlplane.worker_pool import LOOK_EVERY

_POOL_LOCK = 0x706F6F6C  # "pool": processes that share a store must not exceed its size
_CLAIM: Final = f"""
{WITH_LIVE_PROCESSES}, resumed AS (
    UPDATE pool_instances SET owner = %(me)s WHERE id = (
        SELECT min(id) FROM pool_instances WHERE db_type = %(db_type)s AND NOT is_ready
        AND coalesce(owner, {NO_OWNER}) NOT IN (TABLE living) AND %(me)s IN (TABLE living))
    RETURNING id
), inserted AS (
    INSERT INTO pool_instances (db_type, owner, created_at) SELECT %(db_type)s, %(me)s, %(now)s
    WHERE NOT EXISTS (TABLE resumed) AND %(me)s IN (TABLE living)
    AND (SELECT count(*) FROM pool_instances WHERE db_type = %(db_type)s) < %(size)s
    RETURNING id)
TABLE resumed UNION ALL TABLE inserted
"""  # noqa: S608
_log = logging.getLogger("controlplane.provisioning")


async def warm_pool_worker(services: Services) -> None:
    """Fill the pool of each engine whenever an instance was taken, until cancelled."""
    while True:
        subscription = services.notifiers.pool.subscribe()
        filled = False
        for engine in services.engines:
            # The pool does not start a server.
            if engine.is_running and engine.is_local:
                try:
                    filled |= await fill_one(services, engine)
                except EngineUnavailableError:
                    pass
                except Exception:
                    # The pool of the other engine is filled anyway, and this one after a pause.
                    _log.exception("an instance could not be prepared", extra={"facts": {"engine": engine.value}})
        if not filled:
            await subscription.wait(LOOK_EVERY)


async def wait_until_full(services: Services, seconds: float) -> None:
    """Wait until the default engine's pool is full, for `seconds` at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        async with services.pool.connection() as conn:
            ready = await conn.fetch_value(
                "SELECT count(*) FROM pool_instances WHERE is_ready AND db_type = %s", (DEFAULT_ENGINE,)
            )
        if ready >= services.pool_size:
            return
        await asyncio.sleep(0.02)


async def fill_one(services: Services, engine: DatabaseEngine) -> bool:
    """Build one instance, and return whether one was missing."""
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
    """Claim an unfinished instance without a live process, or insert one if the pool is not full.

    Returns:
        The instance's number, or None if the pool is full.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_POOL_LOCK,))
    number: int | None = await conn.fetch_value(
        _CLAIM,
        {
            "me": services.process_id,
            "now": services.clock.now(),
            "db_type": db_type,
            "size": services.pool_size,
        },
    )
    return number


async def _update(services: Services, number: int, *, is_ready: bool) -> None:
    async with services.pool.connection() as conn:
        # Only while this process owns it: another may have taken it over while this process seemed to have ended.
        await conn.execute(
            "UPDATE pool_instances SET is_ready = %s, owner = NULL WHERE id = %s AND owner = %s",
            (is_ready, number, services.process_id),
        )
