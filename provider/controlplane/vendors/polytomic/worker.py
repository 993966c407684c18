"""Workers of Polytomic's queries: run them on the real databases, and clean up after ended processes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from controlplane.databases import store as databases
from controlplane.db.pool import Row
from controlplane.queries.errors import SqlError, UnsafeSqlError
from controlplane.queries.execute import open_runner
from controlplane.queries.safety import check_safety
from controlplane.services import Services
from controlplane.vendors.polytomic import store
from controlplane.worker_pool import LOOK_EVERY, run_queue

_AT_ONCE: Final = 4
_log = logging.getLogger("controlplane.polytomic")


async def query_worker(services: Services) -> None:
    """Run queued queries, until cancelled."""
    await run_queue(
        services.pool,
        services.notifiers.vendor_jobs,
        _AT_ONCE,
        lambda conn: store.claim(conn, services.process_id),
        lambda row: _run(services, row),
    )


async def cleanup_worker(services: Services) -> None:
    """Fail the queries of ended processes and delete expired results, until cancelled."""
    while True:
        async with services.pool.connection() as conn:
            await store.clean(conn, services.clock.now())
        await asyncio.sleep(LOOK_EVERY)


async def _run(services: Services, row: Row) -> None:
    rows, count, error = await _outcome(services, row)
    async with services.pool.connection() as conn:
        await store.complete(conn, row["id"], rows, count, error)
    # Without the SQL and the rows: both contain values of the tenant.
    facts = {"query_id": str(row["id"]), "status": "failed" if error else "done", "rows": count}
    _log.info("query", extra={"facts": facts})


async def _outcome(services: Services, row: Row) -> tuple[list[dict[str, Any]], int, str | None]:
    """Return the rows of a query, their number (or that of the rows written), and the error."""
    try:
        async with services.pool.connection() as conn:
            database = await databases.get(conn, row["database_id"])
        if database["status"] != "active" or database["deleted_at"] is not None:
            return [], 0, "The connection's database is not active."
        async with open_runner(services, database) as runner:
            result = await runner.run(check_safety(row["sql"], split=runner.split), beyond=None)
        return result.result.get("rows", []), result.count, None
    except UnsafeSqlError as error:
        return [], 0, f"The query was not run: {error}."
    except SqlError as error:
        return [], 0, str(error)
    except Exception:
        _log.exception("a query failed unexpectedly")
        return [], 0, "Internal error."
