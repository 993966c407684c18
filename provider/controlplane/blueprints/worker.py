"""Background worker that runs applications. They are stored, so that none is lost if a process is killed."""

from __future__ import annotations

from controlplane.blueprints import attempts
from controlplane.databases import store as databases
from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import NO_OWNER, WITH_LIVE_PROCESSES
from controlplane.services import Services
from controlplane.worker_pool import run_queue

_AT_ONCE = 12  # applications run at the same time
MOST_OF_A_USER = 6  # at the same time, so that one user's long applications do not delay other users


async def application_worker(services: Services) -> None:
    """Run waiting applications, until cancelled."""

    async def run(row: Row) -> None:
        async with services.pool.connection() as conn:
            database = await databases.get(conn, row["database_id"])
        await attempts.run(services, row, database)

    async def release(row: Row, error: Exception) -> None:
        """Release the application, if `attempts` could not do so because the store did not respond."""
        async with services.pool.connection() as conn:
            await conn.execute(
                "UPDATE blueprint_applications SET owner = %s WHERE id = %s AND owner = %s",
                (NO_OWNER, row["id"], row["owner"]),
            )

    await run_queue(
        services.pool, services.notifiers.applications, _AT_ONCE, lambda conn: _claim(services, conn), run, release
    )


async def _claim(services: Services, conn: Connection) -> Row | None:
    """Claim the next waiting application, or one whose process has ended.

    The provisioning job runs the application of a database's create, unless a delete has cancelled the job: then this
    worker ends the application.
    """
    return await conn.fetch_one(
        WITH_LIVE_PROCESSES + " UPDATE blueprint_applications SET status = 'running', owner = %(me)s,"  # noqa: S608
        " started_at = coalesce(started_at, %(now)s) WHERE id = ("
        " SELECT id FROM blueprint_applications a WHERE (NOT at_creation OR EXISTS ("
        "  SELECT FROM databases d WHERE d.id = a.database_id AND d.status = 'deleted'))"
        " AND EXISTS (SELECT FROM databases d WHERE d.id = a.database_id AND d.db_type = ANY(%(engines)s))"
        " AND (status = 'pending' OR status = 'running' AND owner NOT IN (TABLE living))"
        " AND (not_before IS NULL OR not_before <= clock_timestamp())"
        " AND (SELECT count(*) FROM blueprint_applications r WHERE r.status = 'running' AND r.owner = %(me)s"
        "  AND NOT r.at_creation AND r.user_id = a.user_id) < %(most)s"
        " AND %(me)s IN (TABLE living) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        {
            "me": services.process_id,
            "now": services.clock.now(),
            "engines": services.engines.hosted,
            "most": MOST_OF_A_USER,
        },
    )
