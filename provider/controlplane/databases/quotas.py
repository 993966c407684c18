"""Enforcement of quotas: a worker measures every database, and blocks and allows writes (api-facts S13, S14).

A process may be killed at any moment: `writes_stopped` is set before writes are blocked and reset after they are
allowed again, so a later round repeats the action. Blocking is repeated in every round while the size is over the
limit, because a transaction that was open the first time may have created new tables.
"""

from __future__ import annotations

import logging
import time
from enum import Enum

from controlplane.backoff import RetryDelays
from controlplane.databases import store
from controlplane.db.pool import Connection, Row
from controlplane.engines.base import DatabaseEngine, EngineUnavailableError
from controlplane.plans import Quotas, effective_quotas
from controlplane.services import Services

GB = 10**9  # bytes
_LOOK_EVERY = 2.0  # seconds
_MAX_DUTY = 0.05  # share of the time that measuring may take if there are very many databases
_log = logging.getLogger("controlplane.quotas")


class QuotaAction(Enum):
    """What to do about the writes of a database."""

    STOP = "stop"
    ALLOW = "allow"
    NOTHING = "nothing"


def decide(size: int, quotas: Quotas, *, stopped: bool) -> QuotaAction:
    """Return what to do about the writes of a database. Pure.

    A size (in bytes) equal to the storage limit is over it.
    """
    if size >= quotas.storage_hard_limit_gb * GB:
        return QuotaAction.STOP
    return QuotaAction.ALLOW if stopped else QuotaAction.NOTHING


def is_over_warning_threshold(size: int, quotas: Quotas) -> bool:
    """Return whether a size in bytes has reached the warning threshold. Pure."""
    return size * 100 >= quotas.storage_hard_limit_gb * GB * quotas.warning_threshold_pct


async def apply_connections(services: Services, conn: Connection, row: Row) -> None:
    """Set a database's connection limit in the engine, if it differs, and record that.

    The transaction of `conn` has locked the row.

    Raises:
        EngineUnavailableError: The engine's server is not available.
    """
    limit = effective_quotas(row, services.plans).connection_hard_limit
    if row["is_assigned"] and row["deleted_at"] is None and limit != row["connections_applied"]:
        await services.engines.of(row["db_type"]).limit_connections(conn, row, limit)
        await conn.execute("UPDATE databases SET connections_applied = %s WHERE id = %s", (limit, row["id"]))


async def quota_worker(services: Services) -> None:
    """Enforce the quotas of all databases every few seconds, until cancelled."""
    postponed = RetryDelays()
    while True:
        subscription = services.notifiers.quotas.subscribe()
        started = time.monotonic()
        for engine in services.engines:
            if engine.is_local:
                try:
                    await enforce(services, engine, postponed)
                except EngineUnavailableError as error:
                    _log.warning("sizes cannot be measured", extra={"facts": {"error": str(error)}})
                except Exception:
                    _log.exception("limits could not be applied", extra={"facts": {"engine": engine.value}})
        await subscription.wait(max(_LOOK_EVERY, (time.monotonic() - started) / _MAX_DUTY))


async def enforce(services: Services, engine: DatabaseEngine, postponed: RetryDelays | None = None) -> None:
    """Enforce the quotas of all databases of an engine once.

    `postponed` databases are skipped for a while: their limit could not be applied.

    Raises:
        EngineUnavailableError: The engine's server is not available.
    """
    postponed = RetryDelays() if postponed is None else postponed
    async with services.pool.connection() as conn:
        rows = await conn.fetch_all(
            "SELECT * FROM databases WHERE db_type = %s AND is_assigned AND deleted_at IS NULL", (engine.value,)
        )
    if not rows:
        return
    sizes = await engine.measure_sizes(rows)
    skipped = postponed.now()
    for row in rows:
        quotas = effective_quotas(row, services.plans)
        size = sizes.get(row["id"])
        if row["connections_applied"] != quotas.connection_hard_limit:
            async with services.pool.connection() as conn, conn.transaction():
                await apply_connections(services, conn, await store.get(conn, row["id"], lock=True))
        if size is None:
            continue
        if is_over_warning_threshold(size, quotas) != row["storage_warned"]:
            await _warn(services, row, size, quotas)
        action = decide(size, quotas, stopped=row["writes_stopped"])
        if action is not QuotaAction.NOTHING and row["id"] not in skipped:
            try:
                await _apply(services, engine, row, action, size)
            except EngineUnavailableError:
                raise
            except Exception as error:
                facts = {"database_id": row["id"], "again_in_seconds": postponed.add(row["id"])}
                _log.error("a storage limit could not be applied", exc_info=error, extra={"facts": facts})
            else:
                postponed.forget(row["id"])


async def _apply(services: Services, engine: DatabaseEngine, row: Row, action: QuotaAction, size: int) -> None:
    facts = {"database_id": row["id"], "bytes": size}
    if action is QuotaAction.STOP:
        if not row["writes_stopped"]:
            await _update(services, row, "UPDATE databases SET writes_stopped = true WHERE id = %s")
            _log.warning("storage limit reached, writing is stopped", extra={"facts": facts})
        await engine.block_writes(row)
    else:
        await engine.allow_writes(row)
        await _update(services, row, "UPDATE databases SET writes_stopped = false WHERE id = %s")
        _log.info("below the storage limit, writing is allowed", extra={"facts": facts})


async def _warn(services: Services, row: Row, size: int, quotas: Quotas) -> None:
    await _update(services, row, "UPDATE databases SET storage_warned = NOT storage_warned WHERE id = %s")
    if not row["storage_warned"]:
        facts = {"database_id": row["id"], "bytes": size, "threshold_pct": quotas.warning_threshold_pct}
        _log.warning("storage warning threshold reached", extra={"facts": facts})


async def _update(services: Services, row: Row, statement: str) -> None:
    async with services.pool.connection() as conn:
        await conn.execute(statement, (row["id"],))
