"""Rename and quotas (operations 6 and 7)."""

from __future__ import annotations

import contextlib

from controlplane.databases import store
from controlplane.databases.quotas import apply_connections
from controlplane.databases.requests import QuotaFields, UpdateDatabase
from controlplane.databases.serializers import effective_quotas, without_credentials
from controlplane.engines.base import EngineUnavailableError
from controlplane.http.context import RequestContext
from controlplane.http.responses import ApiResponse, envelope


async def update_database(call: RequestContext) -> ApiResponse:
    """Rename; db_name and with it the connection string stay (S2)."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    args = call.parse(UpdateDatabase)
    if args.name and args.name != row["name"]:
        if call.services.settings.strict:
            await store.ensure_name_free(call.conn, row["team_id"], args.name)
        row = await store.update_returning(
            call.conn,
            "UPDATE databases SET name = %(name)s, updated_at = %(now)s WHERE id = %(id)s",
            {"name": args.name, "now": call.now, "id": row["id"]},
        )
    return envelope(without_credentials(row, call.services))


async def update_quotas(call: RequestContext) -> ApiResponse:
    """Set or clear overrides; the connection limit holds from the commit on."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    changes = call.parse(QuotaFields).model_dump(exclude_unset=True)
    wanted = after = {**row, **changes}
    if wanted != row:
        after = await store.update_returning(
            call.conn,
            "UPDATE databases SET storage_hard_limit_gb = %(storage_hard_limit_gb)s,"
            " connection_hard_limit = %(connection_hard_limit)s, warning_threshold_pct = %(warning_threshold_pct)s,"
            " updated_at = %(now)s WHERE id = %(id)s",
            {**wanted, "now": call.now},
        )
    limit = effective_quotas(after, call.services.plans).connection_hard_limit
    # One that is still being built gets its limit when it is handed over.
    final = envelope(without_credentials(after, call.services), message="Database quotas updated.")
    if row["is_assigned"]:
        call.after_commit(call.services.notifiers.quotas.notify)
    if not row["is_assigned"] or limit == row["connections_applied"]:
        return final
    if call.services.engines.of(row["db_type"]).transactional:
        await apply_connections(call.services, call.conn, after)
        return final

    async def apply() -> ApiResponse:
        # After the commit; what cannot be done now, the quota worker does later.
        with contextlib.suppress(EngineUnavailableError):
            async with call.services.pool.connection() as conn, conn.transaction():
                await apply_connections(call.services, conn, await store.get(conn, row["id"], lock=True))
        return final

    return ApiResponse(final.status, final.body, apply)
