"""Destruction of deleted databases after their 24 hours of grace, and deletion of expired idempotency keys."""

from __future__ import annotations

import contextlib
import logging

from controlplane.backoff import RetryDelays
from controlplane.engines.base import DatabaseEngine, EngineUnavailableError
from controlplane.http import idempotency
from controlplane.services import Services

_LOOK_EVERY = 5.0  # seconds
_log = logging.getLogger("controlplane.reaper")


async def reaper_worker(services: Services) -> None:
    """Destroy what is due and delete expired idempotency keys every few seconds, until cancelled."""
    postponed = RetryDelays()
    while True:
        for engine in services.engines:
            await _reap(services, engine, postponed)
        async with services.pool.connection() as conn:
            await idempotency.delete_expired(conn, services.clock.now())
        await services.notifiers.deletions.wait(_LOOK_EVERY)


async def _reap(services: Services, engine: DatabaseEngine, postponed: RetryDelays) -> None:
    """Destroy the due databases of an engine. A failure affects neither the other engine nor the other databases."""
    try:
        await engine.enforce_revocations()
    except EngineUnavailableError:
        return
    except Exception:
        _log.exception("the sessions of deleted tenants could not be ended", extra={"facts": {"engine": engine.value}})
    with contextlib.suppress(EngineUnavailableError):
        while engine.is_local and await destroy_one(services, engine, postponed):
            pass


async def destroy_one(services: Services, engine: DatabaseEngine, postponed: RetryDelays | None = None) -> bool:
    """Destroy one database that is due.

    `postponed` databases are skipped for a while. One that cannot be destroyed is added.

    Returns:
        Whether a database was due.

    Raises:
        EngineUnavailableError: The engine's server is not available.
    """
    postponed = RetryDelays() if postponed is None else postponed
    # This connection locks the row while another one drops the database, which is impossible in a transaction.
    async with services.pool.connection() as conn, conn.transaction():
        row = await conn.fetch_one(
            "SELECT * FROM databases WHERE deleted_at IS NOT NULL AND destroyed_at IS NULL AND id <> ALL(%s)"
            " AND destroy_after <= %s AND db_type = %s ORDER BY destroy_after LIMIT 1 FOR UPDATE SKIP LOCKED",
            (postponed.now(), services.clock.now(), engine.value),
        )
        if row is None:
            return False
        try:
            await engine.destroy(row)
        except EngineUnavailableError:
            raise
        except Exception as error:
            seconds = postponed.add(row["id"])
            facts = {"database_id": row["id"], "again_in_seconds": seconds}
            _log.error("a database could not be destroyed", exc_info=error, extra={"facts": facts})
            return True
        await conn.execute("UPDATE databases SET destroyed_at = %s WHERE id = %s", (services.clock.now(), row["id"]))
    postponed.forget(row["id"])
    _log.info("destroyed", extra={"facts": {"database_id": row["id"]}})
    return True
