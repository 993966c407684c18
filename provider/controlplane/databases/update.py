"""Update of a database's name and quotas (operations 6 and 7)."""

from __future__ import annotations

import contextlib

from controlplane.databases import store
from controlplane.databases.quotas import apply_connections
from controlplane.databases.requests import QuotaFields, UpdateDatabase
from controlplane.databases.serializers import without_credentials
from controlplane.engines.base import EngineUnavailableError
from controlplane.http.context import RequestContext
from controlplane.http.responses import ApiResponse, envelope
from controlplane.plans import effective_quotas


async def update_database(call: RequestContext) -> ApiResponse:
    """Rename a database. Its db_name, and so the connection string, does not change (api-facts S2)."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    args = call.parse(UpdateDatabase)
    if args.name and args.name != row["name"]:
        if call.services.settings.strict:
            await store.ensure_name_free(call.conn, row["team_id"], args.name)
        row = await store.write_returning(
            call.conn,
            "UPDATE databases SET name = %(name)s, updated_at = %(now)s WHERE id = %(id)s",
            {"name": args.name, "now": call.now, "id": row["id"]},
        )
    return envelope(without_credentials(row, call.services))


async def update_quotas(call: RequestContext) -> ApiResponse:
    """Set or clear overrides of quotas. The connection limit takes effect with the commit."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    changes = call.parse(QuotaFields).model_dump(exclude_unset=True)
    updated = {**row, **changes}
    if updated != row:
        updated = await store.write_returning(
            call.conn,
            "UPDATE databases SET storage_hard_limit_gb = %(storage_hard_limit_gb)s,"
            " connection_hard_limit = %(connection_hard_limit)s, warning_threshold_pct = %(warning_threshold_pct)s,"
            " updated_at = %(now)s WHERE id = %(id)s",
            {**updated, "now": call.now},
        )
    limit = effective_quotas(updated, call.services.plans).connection_hard_limit
    # A database that is still being built gets its limit when it is assigned.
    final = envelope(without_credentials(updated, call.services), message="Database quotas updated.")
    if row["is_assigned"]:
        call.after_commit(call.services.notifiers.quotas.notify)
    if not row["is_assigned"] or limit == row["connections_applied"]:
        return final
    if call.services.engines.of(row["db_type"]).transactional:
        await apply_connections(call.services, call.conn, updated)
        return final

    async def apply() -> ApiResponse:
        # After the commit. If the server is not available, the quota worker does it later.
        with contextlib.suppress(EngineUnavailableError):
            async with call.services.pool.connection() as conn, conn.transaction():
                await apply_connections(call.services, conn, await store.get(conn, row["id"], lock=True))
        return final

    return ApiResponse(final.status, final.body, apply)
