"""The console's pages of databases and their history. Passwords are not even read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.console.list_query import paginate, parse_query, pluralize
from controlplane.console.templates import Page
from controlplane.console.timeline import timeline
from controlplane.databases.serializers import without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.request_log import store as request_log
from controlplane.services import Services

_STATUSES = (
    ("present", "present"),
    ("active", "active"),
    ("provisioning", "provisioning"),
    ("deleted", "deleted"),
    ("any", "any"),
)
_COLUMNS = (
    "SELECT d.id, d.uuid, d.team_id, d.name, d.db_type, d.region, d.plan, d.status, d.db_name, d.db_username,"
    " d.is_assigned, d.storage_hard_limit_gb, d.connection_hard_limit, d.warning_threshold_pct, d.created_at,"
    " d.updated_at, d.deleted_at, d.destroy_after, d.destroyed_at, t.name AS team_name"
    " FROM databases d JOIN teams t ON t.id = d.team_id"
)
_LIST = (
    _COLUMNS + " WHERE CASE %(status)s WHEN 'any' THEN true WHEN 'present' THEN d.deleted_at IS NULL"
    " ELSE d.status = %(status)s END"
    " AND (%(pattern)s::text IS NULL OR concat_ws(' ', d.name, d.uuid, d.db_name, d.db_username, d.db_type, d.region,"
    " d.plan, t.name) ILIKE %(pattern)s)"
    " ORDER BY d.created_at DESC, d.id DESC OFFSET %(offset)s LIMIT %(fetch)s"
)
_ONE = _COLUMNS + " WHERE d.uuid = %s"
_JOBS = (
    "SELECT id, state, not_before, attempts, last_error, created_at FROM provision_jobs WHERE database_id = %s"
    " ORDER BY id LIMIT 20"
)
_APPLICATIONS = (
    "SELECT a.id, a.status, a.is_dry_run, a.at_creation, a.created_at, a.started_at, a.completed_at,"
    " a.blueprint_version, b.name AS blueprint_name FROM blueprint_applications a"
    " JOIN blueprints b ON b.id = a.blueprint_id WHERE a.database_id = %s ORDER BY a.id DESC LIMIT 50"
)
_EVENTS = (
    "SELECT event_type, min(created_at) AS created_at, count(*) AS deliveries FROM webhook_deliveries"
    " WHERE created_at >= %s AND strpos(body, %s) > 0 GROUP BY event_type"
)


async def list_page(services: Services, conn: Connection, query: Mapping[str, str], _path: Mapping[str, Any]) -> Page:
    """Return the page `/console/databases`."""
    list_query = parse_query("/console/databases", query, (("status", "Status", _STATUSES),))
    rows = await conn.fetch_all(_LIST, list_query.parameters)
    shown = paginate(list_query, [_with_endpoint(row, services) for row in rows])
    provisioning = sum(row["status"] == "provisioning" for row in shown.rows)
    return Page(
        template="databases.html",
        title="Databases",
        section="databases",
        summary=f"{pluralize(len(shown.rows), 'database')} on this page, {provisioning} provisioning",
        context={"shown": shown},
        list_query=list_query,
        searches="name, UUID, database, user, engine, region, plan or team",
    )


async def detail_page(
    services: Services, conn: Connection, _query: Mapping[str, str], path: Mapping[str, Any]
) -> Page | None:
    """Return the page `/console/databases/{uuid}`, or None if there is no such database."""
    row = await conn.fetch_one(_ONE, (path["uuid"],))
    if row is None:
        return None
    jobs = await conn.fetch_all(_JOBS, (row["id"],))
    applications = await conn.fetch_all(_APPLICATIONS, (row["id"],))
    events = await conn.fetch_all(_EVENTS, (row["created_at"], str(row["uuid"])))
    requests = await request_log.list_recent(conn, 200, text=str(row["uuid"]))
    return Page(
        template="database.html",
        title=row["name"],
        section="databases",
        summary=f"{row['name']} is {row['status']}",
        context={
            "database": _with_endpoint(row, services),
            "timeline": timeline(row, jobs, applications, events, requests),
            "applications": applications,
            "requests": requests[:20],
        },
        back="/console/databases",
    )


def _with_endpoint(row: Row, services: Services) -> Row:
    """Return the row with fields that clients see: host, port and the quotas in effect."""
    serialized = without_credentials(row, services)
    return {**row, **{name: serialized[name] for name in ("host", "port", "quotas")}}
