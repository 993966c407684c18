"""DELETE /databases/{uuid} (operation 8): access ends now, the data are destroyed 24 hours later (S4-S7)."""

from __future__ import annotations

import functools
import logging
from datetime import timedelta

from controlplane.databases import store
from controlplane.databases.serializers import without_credentials
from controlplane.engines.base import EngineUnavailableError
from controlplane.http.context import RequestContext
from controlplane.http.responses import ApiResponse, envelope, format_naive
from controlplane.webhooks import outbox

GRACE = timedelta(hours=24)
_log = logging.getLogger("controlplane.databases")


async def delete_database(call: RequestContext) -> ApiResponse:
    """Revoke access, cancel provisioning, and schedule the destruction if anything was built."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    number = row["id"]
    jobs = await call.conn.fetch_all(
        "SELECT id, attempts FROM provision_jobs WHERE database_id = %s AND state IN ('queued', 'running') FOR UPDATE",
        (number,),
    )
    await call.conn.execute(
        "UPDATE provision_jobs SET state = 'cancelled', owner = NULL WHERE id = ANY(%s)", ([job["id"] for job in jobs],)
    )
    # A job that was started may have built something without having reported it; a pooled instance is built.
    is_built = row["is_assigned"] or row["is_pooled"] or any(job["attempts"] for job in jobs)
    engine = call.services.engines.of(row["db_type"])
    if engine.transactional:
        await engine.revoke_access(call.conn, row)
    deleted = await store.write_returning(
        call.conn,
        "UPDATE databases SET status = 'deleted', deleted_at = %(now)s, updated_at = %(now)s,"
        " destroy_after = %(destroy_after)s, destroyed_at = %(destroyed_at)s WHERE id = %(id)s",
        {
            "id": number,
            "now": call.now,
            "destroy_after": call.now + GRACE if is_built else None,
            "destroyed_at": None if is_built else call.now,
        },
    )
    await outbox.emit(call, "database.deleted", row["team_id"], without_credentials(deleted, call.services))
    call.after_commit(functools.partial(call.services.notifiers.databases.notify, row["id"]))
    call.after_commit(call.services.notifiers.deletions.notify)
    final = envelope(
        {
            "object": "database",
            "uuid": str(row["uuid"]),
            "deleted": True,
            "cancelled_provision_jobs": len(jobs),
            "destroy_scheduled_at": format_naive(deleted["destroy_after"]) if is_built else None,
            "has_remote_resources": is_built,
        },
        message="Database deleted. Access was revoked immediately.",
    )

    async def end_sessions() -> ApiResponse:
        # After the commit, so that no new session can begin in between.
        try:
            if not engine.transactional:
                async with call.services.pool.connection() as conn:
                    await engine.revoke_access(conn, row)
            await engine.terminate_sessions(row)
        except EngineUnavailableError as error:
            # The server is down, so no session exists. The reaper, or the server's start, revokes the access later.
            _log.warning("access could not be ended yet", extra={"facts": {"database": number, "error": str(error)}})
        return final

    return ApiResponse(final.status, final.body, end_sessions if is_built else None)
