"""The background workers that provision databases.

Jobs live in the store and every step can be run again, so a job whose process was killed is taken over by the
next one and ends the same way, without a second role or database.

A job has one stage or two. First the instance is built and handed over. Where a blueprint belongs to the creation, the
job is queued again, and what runs it has hands of its own: a blueprint may take minutes, and must not keep others from
being built.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from controlplane.databases import store
from controlplane.databases.delete import GRACE
from controlplane.databases.initial_blueprint import RunInitialBlueprint
from controlplane.databases.serializers import effective_quotas, without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.notifier import Notifier
from controlplane.services import Services
from controlplane.webhooks.outbox import enqueue
from controlplane.worker_pool import Claim, run_workers

MOST_ATTEMPTS = 5  # of each stage

_BUILT_AT_ONCE = 3
_APPLIED_AT_ONCE = 12
_APPLIED_OF_A_TEAM = 6  # at the same time: one team's long blueprints keep nobody else waiting
_LOOK_EVERY = 1.0  # seconds, should a ring get lost
_AGAIN = 0.1  # seconds
# Jobs of one stage, of the engines that this process can reach.
_OF_STAGE: Final = (
    "database_id IN (SELECT id FROM databases WHERE db_type = ANY(%(engines)s) AND is_assigned = %(is_assigned)s)"
)
# Nobody is at it.
_WAITS: Final = "(state = 'queued' OR state = 'running' AND owner NOT IN (TABLE living))"
# Whether its team has fewer blueprints under way than a team may have.
_HAS_ITS_TURN: Final = """
    (NOT %(is_assigned)s OR %(most)s > (
        SELECT count(*) FROM provision_jobs r JOIN databases rd ON rd.id = r.database_id
        WHERE r.state = 'running' AND r.owner = %(me)s AND rd.is_assigned
        AND rd.team_id = (SELECT team_id FROM databases WHERE id = provision_jobs.database_id)))
"""
_CLAIM: Final = f"""
{WITH_LIVE_PROCESSES}, claimed AS (
    UPDATE provision_jobs SET state = 'running', owner = %(me)s, attempts = attempts + 1 WHERE id = (
        SELECT id FROM provision_jobs WHERE not_before <= %(now)s AND {_OF_STAGE} AND {_WAITS} AND {_HAS_ITS_TURN}
        AND %(me)s IN (TABLE living)
        ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *)
SELECT claimed.*, b.db_type, (
    SELECT min(not_before) FROM provision_jobs j WHERE {_OF_STAGE} AND {_WAITS}
    AND j.id IS DISTINCT FROM claimed.id) AS next_due
FROM (SELECT) AS always LEFT JOIN claimed ON true LEFT JOIN databases b ON b.id = claimed.database_id
"""  # noqa: S608
_log = logging.getLogger("controlplane.provisioning")


async def provision_worker(services: Services) -> None:
    """Run due jobs whose instance is still to be made, for ever."""
    await _keep_busy(services, services.notifiers.jobs, _BUILT_AT_ONCE, _build, is_assigned=False)


async def blueprint_worker(services: Services, *, run_initial_blueprint: RunInitialBlueprint) -> None:
    """Run due jobs whose instance exists and waits for its blueprint, until cancelled."""
    do = functools.partial(_apply, run_initial_blueprint=run_initial_blueprint)
    await _keep_busy(services, services.notifiers.creations, _APPLIED_AT_ONCE, do, is_assigned=True)


async def _keep_busy(
    services: Services, bell: Notifier, hands: int, do: Callable[[Services, Row], Awaitable[None]], *, is_assigned: bool
) -> None:
    await run_workers(
        bell,
        hands,
        lambda: _claim(services, is_assigned=is_assigned),
        functools.partial(do, services),
        functools.partial(_reschedule, services),
    )


async def _claim(services: Services, *, is_assigned: bool) -> Claim[Row]:
    """Take the next due job of a stage, or one whose process died; and when the one after it is due."""
    now = services.clock.now()
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            _CLAIM,
            {
                "me": services.process_id,
                "now": now,
                "engines": services.engines.hosted,
                "is_assigned": is_assigned,
                "most": _APPLIED_OF_A_TEAM,
            },
        )
        row = await cursor.fetchone()
    assert row is not None
    due = row["next_due"]
    pause = min(_LOOK_EVERY, (due - now).total_seconds()) if due else _LOOK_EVERY
    # One that is due and not to be had is somebody else's in a moment.
    return Claim(None, max(_AGAIN, pause)) if row["id"] is None else Claim(row, pause)


async def _build(services: Services, job: Row) -> None:
    await services.controls.maybe_fail(services.pool)
    reached = functools.partial(services.controls.at_step, services.pool)
    engine = services.engines.of(job["db_type"])
    await reached("before_role")
    await engine.provision(job["database_id"], reached)
    if engine.transactional:
        await reached("after_database")
    async with services.pool.connection() as conn, conn.transaction():
        wanted = await _lock(conn, job)
        heard = wanted is not None and await _assign(services, conn, job, wanted)
    if job["application_id"] is not None:
        services.notifiers.creations.notify()
    _announce(services, job, heard=heard)


async def _lock(conn: Connection, job: Row) -> Row | None:
    """The database's row, until the transaction ends; None if it was deleted or the job is not ours any more."""
    cursor = await conn.execute(
        "SELECT d.* FROM databases d JOIN provision_jobs j ON j.database_id = d.id WHERE j.id = %s AND j.owner = %s"
        " AND j.state = 'running' AND d.status = 'provisioning'"
        " FOR UPDATE OF d, j",  # in the order of a deletion
        (job["id"], job["owner"]),
    )
    return await cursor.fetchone()


async def _assign(services: Services, conn: Connection, job: Row, row: Row) -> bool:
    """Give the instance its name and let the tenant in; then the job is done, or comes to its second stage.

    Returns whether a webhook is to hear of it.
    """
    limit = effective_quotas(row, services.plans).connection_hard_limit
    engine = services.engines.of(row["db_type"])
    await engine.assign(conn, row, limit)
    if not engine.transactional:
        await services.controls.at_step(services.pool, "after_database")
    if job["application_id"] is None:
        return await _finish(services, conn, job, limit)
    await conn.execute(
        "UPDATE databases SET is_assigned = true, connections_applied = %s WHERE id = %s", (limit, row["id"])
    )
    await conn.execute(
        "UPDATE provision_jobs SET state = 'queued', owner = NULL, attempts = 0 WHERE id = %s", (job["id"],)
    )
    return False


async def _apply(services: Services, job: Row, *, run_initial_blueprint: RunInitialBlueprint) -> None:
    await services.controls.maybe_fail(services.pool)
    if job["application_id"] is not None:
        await run_initial_blueprint(services, job["application_id"])
    async with services.pool.connection() as conn, conn.transaction():
        row = await _lock(conn, job)
        heard = row is not None and await _finish(services, conn, job, row["connections_applied"])
    _announce(services, job, heard=heard)


async def _finish(services: Services, conn: Connection, job: Row, connections: int) -> bool:
    """The database is active. Returns whether a webhook is to hear of it."""
    now = services.clock.now()
    await conn.execute("UPDATE provision_jobs SET state = 'done', owner = NULL WHERE id = %s", (job["id"],))
    active = await store.update_returning(
        conn,
        "UPDATE databases SET status = 'active', is_assigned = true, connections_applied = %(connections)s,"
        " updated_at = %(now)s WHERE id = %(id)s",
        {"connections": connections, "now": now, "id": job["database_id"]},
    )
    data = without_credentials(active, services)
    heard = await enqueue(conn, team_id=active["team_id"], event="database.provisioned", data=data, now=now)
    await services.controls.at_step(services.pool, "before_ack")
    return heard


async def _reschedule(services: Services, job: Row, error: Exception) -> None:
    """Try again later; after MOST_ATTEMPTS give the database up: deleted, with a log entry (C17)."""
    now = services.clock.now()
    _log.warning(
        "provisioning attempt failed",
        exc_info=error,
        extra={"facts": {"database_id": job["database_id"], "attempt": job["attempts"]}},
    )
    gives_up = job["attempts"] >= MOST_ATTEMPTS
    async with services.pool.connection() as conn, conn.transaction():
        row = await _lock(conn, job)
        if row is None:
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
            if engine.transactional:  # of others, end_stray locks the tenant out
                await engine.revoke_access(conn, row)
            await conn.execute(
                "UPDATE databases SET status = 'deleted', deleted_at = %s, updated_at = %s, destroy_after = %s"
                " WHERE id = %s",
                (now, now, now + GRACE, row["id"]),
            )
            _log.error("provisioning given up", extra={"facts": {"database_id": row["id"]}})
    if gives_up:
        services.notifiers.deletions.notify()
    _announce(services, job)


def _announce(services: Services, job: Row, *, heard: bool = False) -> None:
    services.notifiers.databases.notify(job["database_id"])
    if heard:
        services.notifiers.deliveries.notify()
