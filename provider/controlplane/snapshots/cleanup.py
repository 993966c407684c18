"""Undo what an interrupted snapshot left: tenants who are locked out, and copies that belong to no snapshot.

A tenant is locked out while its database is copied. A process that is killed meanwhile does not let the tenant in.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE
from controlplane.engines.base import DatabaseEngine, EngineUnavailableError
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.services import Services, Worker
from controlplane.snapshots import mysql, postgres
from controlplane.snapshots.databases import snapshot_of

_LOCK: Final = 0x736E617073686F74  # "snapshot"
_POLL_SECONDS: Final = 5.0
_log = logging.getLogger("controlplane.snapshots")


async def acquire_lock(conn: Connection) -> None:
    """Lock out other snapshots and the clean-up until `conn` ends.

    If this process is killed, the server ends `conn` only after its statement: a copy in progress is complete by then.
    """
    await conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))


async def snapshot_cleanup_worker(services: Services) -> None:
    """Clean up at the start and after every snapshot of any process, without end."""
    seen: dict[str, int] = {}
    while True:
        last = await _last_number(services)
        for engine in services.engines:
            # A stopped server lets nobody in. It is cleaned up once it runs.
            try:
                if engine.is_running and seen.get(engine.value) != last and await _undo(services, engine):
                    seen[engine.value] = last
            except EngineUnavailableError:
                pass
            except Exception:
                _log.exception("a snapshot's leftovers could not be undone", extra={"facts": {"engine": engine.value}})
        await asyncio.sleep(_POLL_SECONDS)


async def _last_number(services: Services) -> int:
    """Return the number of the latest snapshot that was begun. A number is never used again."""
    async with services.pool.connection() as conn:
        return int(await conn.fetch_value("SELECT coalesce(pg_sequence_last_value('snapshots_id_seq'), 0)"))


async def _undo(services: Services, engine: DatabaseEngine) -> bool:
    """Clean up one engine.

    Returns:
        False if a snapshot is being taken.

    Raises:
        EngineUnavailableError: The engine's server cannot be reached.
    """
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        if not await conn.fetch_value("SELECT pg_try_advisory_lock(%s)", (_LOCK,)):
            return False
        async with conn.transaction():
            # A killed process may have sent its commit, which is still running.
            await conn.execute("LOCK TABLE snapshots IN SHARE MODE")
            snapshots = await conn.fetch_column("SELECT id FROM snapshots")
            await _restore_access(conn, engine)

        def is_stray(name: str) -> bool:
            return snapshot_of(name) not in {None, *snapshots}

        if isinstance(engine, MysqlEngine):
            await mysql.drop(engine, is_stray)
        else:
            await postgres.drop(conn, is_stray)
    return True


async def _restore_access(conn: Connection, engine: DatabaseEngine) -> None:
    """Let tenants in whose database is assigned and not deleted."""
    locked_out = await (mysql.locked_out(engine) if isinstance(engine, MysqlEngine) else postgres.locked_out(conn))
    # The rows are locked, so that no database is deleted meanwhile.
    rows = await conn.fetch_all(
        "SELECT * FROM databases WHERE db_type = %s AND is_assigned AND deleted_at IS NULL"
        " AND ARRAY[db_name, db_username] && %s::text[] FOR UPDATE",
        (engine.value, locked_out),
    )
    for row in rows:
        await engine.restore_access(conn, row)
        _log.warning("access restored: a snapshot was interrupted", extra={"facts": {"database_id": row["id"]}})


WORKERS: tuple[Worker, ...] = (snapshot_cleanup_worker,)
