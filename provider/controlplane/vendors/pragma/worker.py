"""The workers that process committed resources and builds.

Fault rules of `pragmaProcess` and `pragmaBuild` apply to them: the effect `latency` makes them slow, and every other
effect makes them fail.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from controlplane.db.pool import Row
from controlplane.fault_injection.rules import next_fault
from controlplane.services import Services
from controlplane.vendors.pragma import store
from controlplane.worker_pool import LOOK_EVERY, run_queue

PROCESS: Final = "pragmaProcess"
BUILD: Final = "pragmaBuild"
_AT_ONCE: Final = 4
_log = logging.getLogger("controlplane.pragma")


async def resource_worker(services: Services) -> None:
    """Process committed resources, until cancelled."""
    await run_queue(
        services.pool,
        services.notifiers.vendor_jobs,
        _AT_ONCE,
        lambda conn: store.claim(conn, services.process_id),
        lambda row: _process(services, row),
    )


async def build_worker(services: Services) -> None:
    """Build uploaded code, until cancelled."""
    while True:
        subscription = services.notifiers.vendor_jobs.subscribe()
        async with services.pool.connection() as conn:
            is_due = await conn.fetch_value("SELECT EXISTS (SELECT FROM pragma_builds WHERE status = 'building')")
            if is_due:
                await store.finish_builds(conn, await _fault(services, BUILD))
        await subscription.wait(LOOK_EVERY)


async def _process(services: Services, row: Row) -> None:
    error = await _fault(services, PROCESS)
    outputs: dict[str, Any] = {"id": row["id"], "endpoint": f"{row['name']}.{row['provider']}.localhost"}
    async with services.pool.connection() as conn:
        await store.complete(conn, row, None if error else outputs, error, services.clock.now())
    _log.info("processed", extra={"facts": {"id": row["id"], "is_failed": error is not None}})


async def _fault(services: Services, operation: str) -> str | None:
    """Return the error of a fault rule, after its delay, or None."""
    async with services.pool.connection() as conn:
        # Not by ANY: rules for requests leave the worker alone.
        fault = await next_fault(conn, operation) if services.controls.has_faults else None
    if fault is None:
        return None
    await asyncio.sleep(fault.seconds or 0)
    return None if fault.effect == "latency" else "This failure was injected by a fault rule."
