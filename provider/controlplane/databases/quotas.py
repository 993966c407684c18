"""Quotas that bite: a worker measures every database, and stops and allows writing (api-facts S13, S14).

Survives kill -9 at any moment: `writes_stopped` is set before writing is stopped and unset after it is allowed again,
so whoever finds it set repeats what its size asks for. Stopping is repeated as long as it lasts, because a transaction
that was open at the first time may have made new tables.
"""

from __future__ import annotations

import logging
import time
from enum import Enum

from controlplane.backoff import RetryDelays
from controlplane.databases import store
from controlplane.databases.serializers import effective_quotas
from controlplane.db.pool import Connection, Row
from controlplane.engines.base import DatabaseEngine, EngineUnavailableError
from controlplane.plans import Quotas
from controlplane.services import Services

GB = 10**9  # bytes
_LOOK_EVERY = 2.0  # seconds
_SHARE = 0.05  # of the time that measuring may take, when there are very many
_log = logging.getLogger("controlplane.quotas")


class QuotaAction(Enum):
    """What a size asks for."""

    STOP = "stop"
    ALLOW = "allow"
    NOTHING = "nothing"


def decide(size: int, quotas: Quotas, *, stopped: bool) -> QuotaAction:
    """What a size in bytes asks for; at the limit there is no room left. Pure."""
    if size >= quotas.storage_hard_limit_gb * GB:
        return QuotaAction.STOP
    return QuotaAction.ALLOW if stopped else QuotaAction.NOTHING


def is_over_warning_threshold(size: int, quotas: Quotas) -> bool:
    """Whether a size in bytes is at the warning threshold. Pure."""
    return size * 100 >= quotas.storage_hard_limit_gb * GB * quotas.warning_threshold_pct


async def apply_connections(services: Services, conn: Connection, row: Row) -> None:
    """Tell the engine the row's limit and keep that it was told; the row is locked. Raises EngineDown."""
    limit = effective_quotas(row, services.plans).connection_hard_limit
    if row["is_assigned"] and row["deleted_at"] is None and limit != row["connections_applied"]:
        await services.engines.of(row["db_type"]).limit_connections(conn, row, limit)
        await conn.execute("UPDATE databases SET connections_applied = %s WHERE id = %s", (limit, row["id"]))


async def quota_worker(services: Services) -> None:
    """Look at every database every few seconds, for ever."""
    postponed = RetryDelays()
    while True:
        ear = services.notifiers.quotas.subscribe()
        began = time.monotonic()
        for engine in services.engines:
            if engine.is_local:
                try:
                    await enforce(services, engine, postponed)
                except EngineUnavailableError as error:
                    _log.warning("sizes cannot be measured", extra={"facts": {"error": str(error)}})
                except Exception:
                    _log.exception("limits could not be applied", extra={"facts": {"engine": engine.value}})
        await ear.wait(max(_LOOK_EVERY, (time.monotonic() - began) / _SHARE))


async def enforce(services: Services, engine: DatabaseEngine, postponed: RetryDelays | None = None) -> None:
    """One round. postponed: databases whose limit could not be applied lately. Raises EngineDown."""
    postponed = RetryDelays() if postponed is None else postponed
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT * FROM databases WHERE db_type = %s AND is_assigned AND deleted_at IS NULL", (engine.value,)
        )
        live = await cursor.fetchall()
    if not live:
        return
    sizes = await engine.measure_sizes(live)
    waiting = postponed.now()
    for row in live:
        quotas = effective_quotas(row, services.plans)
        size = sizes.get(row["id"])
        if row["connections_applied"] != quotas.connection_hard_limit:
            async with services.pool.connection() as conn, conn.transaction():
                await apply_connections(services, conn, await store.get(conn, row["id"], lock=True))
        if size is None:
            continue
        if is_over_warning_threshold(size, quotas) != row["storage_warned"]:
            await _warn(services, row, size, quotas)
        step = decide(size, quotas, stopped=row["writes_stopped"])
        if step is not QuotaAction.NOTHING and row["id"] not in waiting:
            try:
                await _take(services, engine, row, step, size)
            except EngineUnavailableError:
                raise
            except Exception as error:
                facts = {"database_id": row["id"], "again_in_seconds": postponed.add(row["id"])}
                _log.error("a storage limit could not be applied", exc_info=error, extra={"facts": facts})
            else:
                postponed.forget(row["id"])


async def _take(services: Services, engine: DatabaseEngine, row: Row, step: QuotaAction, size: int) -> None:
    facts = {"database_id": row["id"], "bytes": size}
    if step is QuotaAction.STOP:
        if not row["writes_stopped"]:
            await _set(services, row, "UPDATE databases SET writes_stopped = true WHERE id = %s")
            _log.warning("storage limit reached, writing is stopped", extra={"facts": facts})
        await engine.block_writes(row)
    else:
        await engine.allow_writes(row)
        await _set(services, row, "UPDATE databases SET writes_stopped = false WHERE id = %s")
        _log.info("below the storage limit, writing is allowed", extra={"facts": facts})


async def _warn(services: Services, row: Row, size: int, quotas: Quotas) -> None:
    await _set(services, row, "UPDATE databases SET storage_warned = NOT storage_warned WHERE id = %s")
    if not row["storage_warned"]:
        facts = {"database_id": row["id"], "bytes": size, "threshold_pct": quotas.warning_threshold_pct}
        _log.warning("storage warning threshold reached", extra={"facts": facts})


async def _set(services: Services, row: Row, statement: str) -> None:
    async with services.pool.connection() as conn:
        await conn.execute(statement, (row["id"],))
