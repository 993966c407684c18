"""Rename and quotas (operations 6 and 7)."""

from __future__ import annotations

from controlplane.databases import instances, store
from controlplane.databases.bodies import QuotaFields, UpdateDatabase
from controlplane.databases.views import effective_quotas, masked
from controlplane.http.calls import Call
from controlplane.http.replies import Reply, reply


async def update_database(call: Call) -> Reply:
    """Rename; db_name and with it the connection string stay (S2)."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    args = call.parse(UpdateDatabase)
    if args.name and args.name != row["name"]:
        if call.services.settings.strict:
            await store.check_unique(call.conn, row["team_id"], args.name)
        await call.conn.execute(
            "UPDATE databases SET name = %s, updated_at = %s WHERE id = %s", (args.name, call.now, row["id"])
        )
    return reply(masked(await store.by_id(call.conn, row["id"]), call.services.server))


async def update_quotas(call: Call) -> Reply:
    """Set or clear overrides; the connection limit holds from the commit on."""
    row = await store.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"), lock=True)
    changes = call.parse(QuotaFields).model_dump(exclude_unset=True)
    wanted = {**row, **changes}
    if wanted != row:
        await call.conn.execute(
            "UPDATE databases SET storage_hard_limit_gb = %(storage_hard_limit_gb)s,"
            " connection_hard_limit = %(connection_hard_limit)s, warning_threshold_pct = %(warning_threshold_pct)s,"
            " updated_at = %(now)s WHERE id = %(id)s",
            {**wanted, "now": call.now},
        )
    after = await store.by_id(call.conn, row["id"])
    limit = effective_quotas(after).connection_hard_limit
    # One that is still being built gets its limit when it is handed over.
    if row["is_assigned"] and limit != effective_quotas(row).connection_hard_limit:
        await instances.limit_connections(call.conn, row["id"], limit)
    return reply(masked(after, call.services.server), message="Database quotas updated.")
