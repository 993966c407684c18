"""Destroying what its 24 hours of grace are over for, and forgetting what has expired."""

from __future__ import annotations

import logging

from controlplane.databases import instances
from controlplane.http import idempotency
from controlplane.services import Services

_LOOK_EVERY = 5.0  # seconds
_log = logging.getLogger("controlplane.reaper")


async def work(services: Services) -> None:
    """Look around every few seconds, for ever."""
    while True:
        await end_stray_sessions(services)
        while await destroy_one(services):
            pass
        async with services.pool.connection() as conn:
            await idempotency.forget_expired(conn, services.clock.now())
        await services.bells.databases.wait(_LOOK_EVERY)


async def destroy_one(services: Services) -> bool:
    """Destroy one database that is due; False if there is none."""
    # The row stays locked on one connection while another drops, which cannot be done in a transaction.
    async with services.pool.connection() as conn, conn.transaction(), services.pool.connection() as server:
        cursor = await conn.execute(
            "SELECT id, db_name, is_assigned FROM databases WHERE deleted_at IS NOT NULL AND destroyed_at IS NULL"
            " AND destroy_after <= %s ORDER BY destroy_after LIMIT 1 FOR UPDATE SKIP LOCKED",
            (services.clock.now(),),
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        await instances.destroy(server, row["id"], row["db_name"] if row["is_assigned"] else None)
        await conn.execute("UPDATE databases SET destroyed_at = %s WHERE id = %s", (services.clock.now(), row["id"]))
    _log.info("destroyed", extra={"facts": {"database_id": row["id"]}})
    return True


async def end_stray_sessions(services: Services) -> None:
    """End sessions that a delete did not live to end."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT DISTINCT d.id, d.db_name FROM databases d JOIN pg_stat_activity a"
            " ON a.usename = d.db_username OR a.datname = d.db_name"
            " WHERE d.deleted_at IS NOT NULL AND d.destroyed_at IS NULL"
        )
        for row in await cursor.fetchall():
            await instances.end_sessions(conn, row["id"], row["db_name"])
