"""The console's first page: how much there is of everything, what is left for each key, and the latest requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from controlplane.console.list_query import pluralize
from controlplane.console.templates import Page
from controlplane.db.pool import Connection, Row
from controlplane.http.rate_limit import Usage
from controlplane.request_log import store as request_log
from controlplane.services import Services

_MINUTE = timedelta(seconds=60)
_COUNTS = (
    "SELECT"
    " (SELECT count(*) FROM databases WHERE status = 'active') AS active,"
    " (SELECT count(*) FROM databases WHERE status = 'provisioning') AS provisioning,"
    " (SELECT count(*) FROM databases WHERE deleted_at IS NOT NULL AND destroyed_at IS NULL) AS deleted,"
    " (SELECT count(*) FROM pool_instances WHERE is_ready) AS pooled,"
    " (SELECT count(*) FROM blueprints WHERE deleted_at IS NULL AND user_id IS NOT NULL) AS blueprints,"
    " (SELECT count(*) FROM blueprint_applications) AS applications,"
    " (SELECT count(*) FROM blueprint_applications WHERE status IN ('pending', 'running')) AS applying,"
    " (SELECT count(*) FROM blueprint_applications WHERE status IN ('failed', 'rolled_back')) AS unapplied,"
    " (SELECT count(*) FROM webhook_endpoints WHERE status = 'active') AS endpoints,"
    " (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending') AS pending,"
    " (SELECT count(*) FROM webhook_deliveries WHERE status = 'failed') AS undelivered"
)
# The rate limiter counts requests of keys that have a limit. Requests of other keys are counted in the request log.
_BUDGETS = (
    "SELECT k.preview, k.name, k.status, k.requests_per_minute, k.monthly_quota, k.last_used_at, u.email,"
    " c.seconds, c.counts, c.month, c.month_count, coalesce(r.logged, 0) AS logged"
    " FROM api_keys k JOIN users u ON u.id = k.user_id LEFT JOIN key_usage c ON c.api_key_id = k.id"
    " LEFT JOIN (SELECT key_id, count(*) AS logged FROM request_log WHERE at > %s GROUP BY key_id) r"
    " ON r.key_id = k.id ORDER BY k.last_used_at DESC NULLS LAST, k.id LIMIT 50"
)


async def overview_page(
    services: Services, conn: Connection, _query: Mapping[str, str], _path: Mapping[str, Any]
) -> Page:
    """Return the page `/`."""
    counts = await conn.fetch_row(_COUNTS)
    now = services.clock.now()
    budgets = [_budget(row, now) for row in await conn.fetch_all(_BUDGETS, (now - _MINUTE,))]
    return Page(
        template="overview.html",
        title="Overview",
        section="overview",
        summary=f"{pluralize(counts['active'], 'active database')}, {counts['provisioning']} provisioning",
        context={
            "counts": counts,
            "budgets": budgets,
            "latest": await request_log.list_recent(conn, 10, with_bodies=False),
        },
    )


def _budget(row: Row, now: datetime) -> Row:
    """Return the row with `used` of this minute and `month_used`, counted as the rate limiter counts."""
    usage = Usage()
    if row["seconds"] is not None:
        usage = Usage(tuple(zip(row["seconds"], row["counts"], strict=True)), row["month"], row["month_count"]).at(now)
    used = usage.in_minute if row["requests_per_minute"] > 0 else row["logged"]
    return {**row, "used": used, "month_used": usage.month_count}
