"""The background worker that provisions databases.

Jobs live in the store and every step can be run again, so a job whose process was killed is taken over by the
next one and ends the same way, without a second role or database.
"""

from __future__ import annotations

import functools
import logging
from datetime import timedelta

from controlplane.blueprints import creation
from controlplane.crew import keep_busy
from controlplane.databases import store
from controlplane.databases.delete import GRACE
from controlplane.databases.views import effective_quotas, masked
from controlplane.services import Services
from controlplane.store.liveness import living
from controlplane.store.pool import Connection, Row
from controlplane.webhooks.outbox import emit

MOST_ATTEMPTS = 5

_AT_ONCE = 3  # databases built at the same time
_LOOK_EVERY = 1.0  # seconds, should a ring get lost
_log = logging.getLogger("controlplane.provisioning")


async def work(services: Services) -> None:
    """Run due jobs, for ever."""

    async def complete(job: Row) -> None:
        try:
            await _run(services, job)
        except Exception as error:
            await _put_back(services, job, error)

    await keep_busy(services.bells.jobs, _AT_ONCE, lambda: _claim(services), complete, lambda: _until_next(services))


async def _claim(services: Services) -> Row | None:
    """Take the next due job, or one whose process died."""
    async with services.pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            "UPDATE provision_jobs SET state = 'running', owner = %(me)s, attempts = attempts + 1 WHERE id = ("
            " SELECT id FROM provision_jobs WHERE not_before <= %(now)s"
            " AND database_id IN (SELECT id FROM databases WHERE db_type = ANY(%(engines)s))"
            " AND (state = 'queued' OR (state = 'running' AND owner <> ALL(%(living)s)))"
            " ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
            {
                "me": services.process_no,
                "now": services.clock.now(),
                "living": await living(conn),
                "engines": services.engines.hosted,
            },
        )
        return await cursor.fetchone()


async def _until_next(services: Services) -> float:
    """Seconds until the next queued job is due, at most _LOOK_EVERY."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute("SELECT min(not_before) AS due FROM provision_jobs WHERE state = 'queued'")
        row = await cursor.fetchone()
    due = row and row["due"]
    return min(_LOOK_EVERY, (due - services.clock.now()).total_seconds()) if due else _LOOK_EVERY


async def _run(services: Services, job: Row) -> None:
    number = job["database_id"]
    async with services.pool.connection() as conn:
        row = await store.by_id(conn, number)
        await services.controls.fail_if_wanted(conn)
    if not row["is_assigned"]:
        reached = functools.partial(services.controls.reach, services.pool)
        engine = services.engines.of(row["db_type"])
        await reached("before_role")
        await engine.build(number, reached)
        if engine.shares_transactions:
            await reached("after_database")
        if not await _assign(services, job):
            return
    if job["application_id"] is not None:
        await creation.run(services, job["application_id"])
    await _activate(services, job)


async def _assign(services: Services, job: Row) -> bool:
    """Hand the instance over, the row locked; False if the database was deleted meanwhile."""
    async with services.pool.connection() as conn, conn.transaction():
        row = await store.by_id(conn, job["database_id"], lock=True)
        if row["status"] != "provisioning":
            return False
        limit = effective_quotas(row, services.plans).connection_hard_limit
        engine = services.engines.of(row["db_type"])
        await engine.hand_over(conn, row, limit)
        if not engine.shares_transactions:
            await services.controls.reach(services.pool, "after_database")
        await conn.execute(
            "UPDATE databases SET is_assigned = true, connections_applied = %s WHERE id = %s", (limit, row["id"])
        )
        if job["application_id"] is None:
            await _finish(services, conn, job, row)
    _announce(services)
    return True


async def _activate(services: Services, job: Row) -> None:
    async with services.pool.connection() as conn, conn.transaction():
        row = await store.by_id(conn, job["database_id"], lock=True)
        if row["status"] == "provisioning":
            await _finish(services, conn, job, row)
    _announce(services)


async def _finish(services: Services, conn: Connection, job: Row, row: Row) -> None:
    now = services.clock.now()
    await conn.execute("UPDATE databases SET status = 'active', updated_at = %s WHERE id = %s", (now, row["id"]))
    await conn.execute("UPDATE provision_jobs SET state = 'done', owner = NULL WHERE id = %s", (job["id"],))
    active = await store.by_id(conn, row["id"])
    await emit(conn, team_id=row["team_id"], event="database.provisioned", data=masked(active, services), now=now)
    await services.controls.reach(services.pool, "before_ack")


async def _put_back(services: Services, job: Row, error: Exception) -> None:
    """Try again later; after MOST_ATTEMPTS give the database up: deleted, with a log entry (C17)."""
    now = services.clock.now()
    _log.warning(
        "provisioning attempt failed",
        exc_info=error,
        extra={"facts": {"database_id": job["database_id"], "attempt": job["attempts"]}},
    )
    gives_up = job["attempts"] >= MOST_ATTEMPTS
    async with services.pool.connection() as conn, conn.transaction():
        row = await store.by_id(conn, job["database_id"], lock=True)
        if row["status"] != "provisioning":
            return
        await conn.execute(
            "UPDATE provision_jobs SET state = %s, owner = NULL, not_before = %s, last_error = %s WHERE id = %s",
            (
                "failed" if gives_up else "queued",
                now + timedelta(seconds=2 ** job["attempts"]),
                type(error).__name__,
                job["id"],
            ),
        )
        if gives_up:
            engine = services.engines.of(row["db_type"])
            if engine.shares_transactions:  # of others, end_stray locks the tenant out
                await engine.revoke(conn, row)
            await conn.execute(
                "UPDATE databases SET status = 'deleted', deleted_at = %s, updated_at = %s, destroy_after = %s"
                " WHERE id = %s",
                (now, now, now + GRACE, row["id"]),
            )
            _log.error("provisioning given up", extra={"facts": {"database_id": row["id"]}})
    _announce(services)


def _announce(services: Services) -> None:
    services.bells.databases.ring()
    services.bells.deliveries.ring()
