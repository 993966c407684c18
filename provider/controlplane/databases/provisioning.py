"""Background workers that provision databases.

Jobs are stored, and every step can be repeated. If a process is killed, another process takes its jobs over, and no
second role or database results.

A job has one stage or two. In the first, the instance is built and assigned. If the request names a blueprint, the job
is then queued for the second stage, which has its own worker: a blueprint may take minutes, and must not delay the
building of other databases.
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
from controlplane.databases.serializers import without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.notifier import Notifier
from controlplane.plans import effective_quotas
from controlplane.services import Services
from controlplane.webhooks.outbox import enqueue
from controlplane.worker_pool import LOOK_EVERY, Claim, run_workers

MOST_ATTEMPTS = 5  # of each stage

_BUILT_AT_ONCE = 3
_APPLIED_AT_ONCE = 12
_APPLIED_PER_TEAM = 6  # at the same time, so that one team's long blueprints do not delay other teams
_MIN_PAUSE = 0.1  # seconds
# Condition: a job of this stage, for an engine that this process can reach.
_OF_STAGE: Final = (
    "database_id IN (SELECT id FROM databases WHERE db_type = ANY(%(engines)s) AND is_assigned = %(is_assigned)s)"
)
# Condition: no live process runs the job.
_WAITS: Final = "(state = 'queued' OR state = 'running' AND owner NOT IN (TABLE living))"
# Condition: this process runs fewer blueprints of the job's team than _APPLIED_PER_TEAM.
_IS_WITHIN_LIMIT: Final = """
    (NOT %(is_assigned)s OR %(most)s > (
        SELECT count(*) FROM provision_jobs r JOIN databases rd ON rd.id = r.database_id
        WHERE r.state = 'running' AND r.owner = %(me)s AND rd.is_assigned
        AND rd.team_id = (SELECT team_id FROM databases WHERE id = provision_jobs.database_id)))
"""
_CLAIM: Final = f"""
{WITH_LIVE_PROCESSES}, claimed AS (
    UPDATE provision_jobs SET state = 'running', owner = %(me)s, attempts = attempts + 1 WHERE id = (
        SELECT id FROM provision_jobs WHERE not_before <= %(now)s AND {_OF_STAGE} AND {_WAITS} AND {_IS_WITHIN_LIMIT}
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
    """Run due jobs whose instance is not built yet, until cancelled."""
    await _run_stage(services, services.notifiers.jobs, _BUILT_AT_ONCE, _build, is_assigned=False)


async def blueprint_worker(services: Services, *, run_initial_blueprint: RunInitialBlueprint) -> None:
    """Run due jobs whose instance exists and whose blueprint is not applied yet, until cancelled."""
    apply = functools.partial(_apply, run_initial_blueprint=run_initial_blueprint)
    await _run_stage(services, services.notifiers.creations, _APPLIED_AT_ONCE, apply, is_assigned=True)


async def _run_stage(
    services: Services,
    notifier: Notifier,
    concurrency: int,
    run_job: Callable[[Services, Row], Awaitable[None]],
    *,
    is_assigned: bool,
) -> None:
    await run_workers(
        notifier,
        concurrency,
        lambda: _claim(services, is_assigned=is_assigned),
        functools.partial(run_job, services),
        functools.partial(_reschedule, services),
    )


async def _claim(services: Services, *, is_assigned: bool) -> Claim[Row]:
    """Claim the next due job of a stage, or a job whose process has ended.

    The claim also contains the pause until the following job is due.
    """
    now = services.clock.now()
    async with services.pool.connection() as conn:
        row = await conn.fetch_one(
            _CLAIM,
            {
                "me": services.process_id,
                "now": now,
                "engines": services.engines.hosted,
                "is_assigned": is_assigned,
                "most": _APPLIED_PER_TEAM,
            },
        )
    assert row is not None
    due = row["next_due"]
    pause = min(LOOK_EVERY, (due - now).total_seconds()) if due else LOOK_EVERY
    # A job that is due but could not be claimed is about to be claimed by another process.
    return Claim(None, max(_MIN_PAUSE, pause)) if row["id"] is None else Claim(row, pause)


async def _build(services: Services, job: Row) -> None:
    await services.controls.maybe_fail(services.pool)
    at_step = functools.partial(services.controls.at_step, services.pool)
    engine = services.engines.of(job["db_type"])
    await at_step("before_role")
    await engine.provision(job["database_id"], at_step)
    if engine.transactional:
        await at_step("after_database")
    async with services.pool.connection() as conn, conn.transaction():
        row = await _lock(conn, job)
        has_delivery = row is not None and await _assign(services, conn, job, row)
    if job["application_id"] is not None:
        services.notifiers.creations.notify()
    _notify(services, job, has_delivery=has_delivery)


async def _lock(conn: Connection, job: Row) -> Row | None:
    """Lock the database's row and the job until the transaction ends.

    Returns:
        The row, or None if the database was deleted or another process has taken the job over.
    """
    return await conn.fetch_one(
        "SELECT d.* FROM databases d JOIN provision_jobs j ON j.database_id = d.id WHERE j.id = %s AND j.owner = %s"
        " AND j.state = 'running' AND d.status = 'provisioning'"
        " FOR UPDATE OF d, j",  # in the same order as a delete
        (job["id"], job["owner"]),
    )


async def _assign(services: Services, conn: Connection, job: Row, row: Row) -> bool:
    """Assign the instance to the database. Then finish the job, or queue it for its second stage.

    Returns:
        Whether a webhook delivery was queued.
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
        has_delivery = row is not None and await _finish(services, conn, job, row["connections_applied"])
    _notify(services, job, has_delivery=has_delivery)


async def _finish(services: Services, conn: Connection, job: Row, connections: int) -> bool:
    """Finish the job and set the database active.

    Returns:
        Whether a webhook delivery was queued.
    """
    now = services.clock.now()
    await conn.execute("UPDATE provision_jobs SET state = 'done', owner = NULL WHERE id = %s", (job["id"],))
    active = await store.write_returning(
        conn,
        "UPDATE databases SET status = 'active', is_assigned = true, connections_applied = %(connections)s,"
        " updated_at = %(now)s WHERE id = %(id)s",
        {"connections": connections, "now": now, "id": job["database_id"]},
    )
    data = without_credentials(active, services)
    has_delivery = await enqueue(conn, team_id=active["team_id"], event="database.provisioned", data=data, now=now)
    await services.controls.at_step(services.pool, "before_ack")
    return has_delivery


async def _reschedule(services: Services, job: Row, error: Exception) -> None:
    """Schedule another attempt. After MOST_ATTEMPTS, delete the database and log that (api-facts C17)."""
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
            if engine.transactional:  # for the others, enforce_revocations revokes the access
                await engine.revoke_access(conn, row)
            await conn.execute(
                "UPDATE databases SET status = 'deleted', deleted_at = %s, updated_at = %s, destroy_after = %s"
                " WHERE id = %s",
                (now, now, now + GRACE, row["id"]),
            )
            _log.error("provisioning given up", extra={"facts": {"database_id": row["id"]}})
    if gives_up:
        services.notifiers.deletions.notify()
    _notify(services, job)


def _notify(services: Services, job: Row, *, has_delivery: bool = False) -> None:
    services.notifiers.databases.notify(job["database_id"])
    if has_delivery:
        services.notifiers.deliveries.notify()
