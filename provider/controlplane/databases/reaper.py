"""Destroying what its 24 hours of grace are over for, and forgetting what has expired."""

from __future__ import annotations

import contextlib
import logging

from controlplane.engines import Engine, EngineDown
from controlplane.http import idempotency
from controlplane.services import Services

_LOOK_EVERY = 5.0  # seconds
_log = logging.getLogger("controlplane.reaper")


async def work(services: Services) -> None:
    """Look around every few seconds, for ever."""
    while True:
        for engine in services.engines:
            with contextlib.suppress(EngineDown):
                await engine.end_stray()
                while engine.is_hosted and await destroy_one(services, engine):
                    pass
        async with services.pool.connection() as conn:
            await idempotency.forget_expired(conn, services.clock.now())
        await services.bells.deletions.wait(_LOOK_EVERY)


async def destroy_one(services: Services, engine: Engine) -> bool:
    """Destroy one database that is due; False if there is none. Raises EngineDown."""
    # The row stays locked on one connection while another drops, which cannot be done in a transaction.
    async with services.pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            "SELECT * FROM databases WHERE deleted_at IS NOT NULL AND destroyed_at IS NULL"
            " AND destroy_after <= %s AND db_type = %s ORDER BY destroy_after LIMIT 1 FOR UPDATE SKIP LOCKED",
            (services.clock.now(), engine.value),
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        await engine.destroy(row)
        await conn.execute("UPDATE databases SET destroyed_at = %s WHERE id = %s", (services.clock.now(), row["id"]))
    _log.info("destroyed", extra={"facts": {"database_id": row["id"]}})
    return True
