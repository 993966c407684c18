"""Undoing what a snapshot left that was broken off: tenants who are kept out, copies that belong to no snapshot.

A tenant is kept out while its database is copied. Who takes the snapshot and is killed meanwhile lets nobody in again.
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
_LOOK_EVERY: Final = 5.0  # seconds
_log = logging.getLogger("controlplane.snapshots")


async def acquire_lock(conn: Connection) -> None:
    """From now until `conn` ends nobody else is at a snapshot, and nothing is undone.

    Should we be killed, the server ends `conn` after its statement only: a copy that it is making is there by then.
    """
    await conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))


async def snapshot_cleanup_worker(services: Services) -> None:
    """Look at the start and after every snapshot, whoever took it, for ever."""
    seen: dict[str, int] = {}
    while True:
        last = await _last_number(services)
        for engine in services.engines:
            # A server that does not run lets nobody in; it is looked at when it does.
            try:
                if engine.is_running and seen.get(engine.value) != last and await _undo(services, engine):
                    seen[engine.value] = last
            except EngineUnavailableError:
                pass
            except Exception:
                _log.exception("a snapshot's leftovers could not be undone", extra={"facts": {"engine": engine.value}})
        await asyncio.sleep(_LOOK_EVERY)


async def _last_number(services: Services) -> int:
    """Of all snapshots that were begun: a number that was taken stays so, whatever becomes of the snapshot."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute("SELECT coalesce(pg_sequence_last_value('snapshots_id_seq'), 0) AS number")
        row = await cursor.fetchone()
    assert row is not None
    return int(row["number"])


async def _undo(services: Services, engine: DatabaseEngine) -> bool:
    """False while somebody is at a snapshot. Raises EngineDown."""
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        cursor = await conn.execute("SELECT pg_try_advisory_lock(%s) AS is_ours", (_LOCK,))
        if not (await cursor.fetchone())["is_ours"]:  # type: ignore[index]
            return False
        async with conn.transaction():
            # The last words of a process that was killed may have been to commit.
            await conn.execute("LOCK TABLE snapshots IN SHARE MODE")
            cursor = await conn.execute("SELECT id FROM snapshots")
            kept = {row["id"] for row in await cursor.fetchall()}
            await _readmit(conn, engine)

        def is_stray(name: str) -> bool:
            return snapshot_of(name) not in {None, *kept}

        if isinstance(engine, MysqlEngine):
            await mysql.drop(engine, is_stray)
        else:
            await postgres.drop(conn, is_stray)
    return True


async def _readmit(conn: Connection, engine: DatabaseEngine) -> None:
    """Let in whose database is theirs and not deleted."""
    shut = await (mysql.locked_out(engine) if isinstance(engine, MysqlEngine) else postgres.locked_out(conn))
    # Locked, so that none of them is deleted meanwhile.
    cursor = await conn.execute(
        "SELECT * FROM databases WHERE db_type = %s AND is_assigned AND deleted_at IS NULL"
        " AND ARRAY[db_name, db_username] && %s::text[] FOR UPDATE",
        (engine.value, shut),
    )
    for row in await cursor.fetchall():
        await engine.restore_access(conn, row)
        _log.warning("let in again: a snapshot was broken off", extra={"facts": {"database_id": row["id"]}})


WORKERS: tuple[Worker, ...] = (snapshot_cleanup_worker,)
