"""The audit log, its daily roll-ups, and billing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import invalid_field
from controlplane.http.responses import ApiResponse, format_z
from controlplane.vendors.polnor.style import page

_GROUPS: Final = {"day": "(at AT TIME ZONE 'UTC')::date::text", "action": "action"}
MULTIPLIER: Final = 2.0
# The page names no prices.
_HOURLY: Final = {"compute_gpu": 4.0, "compute_cpu": 0.5, "sql_warehouse": 1.0}


async def record(call: RequestContext, action: str) -> None:
    """Record an action of the caller's workspace."""
    await call.conn.execute(
        "INSERT INTO polnor_audit (team_id, action, at) VALUES (%s, %s, %s)",
        (call.principal.primary_team_id, action, call.now),
    )


async def analytics(call: RequestContext) -> ApiResponse:
    """Answer with the number of actions, grouped by `group_by`.

    Raises:
        ApiError: 400, a parameter is invalid.
    """
    first, last = _period(call)
    groups = [each for each in call.query.get("group_by", "day").split(",") if each]
    unknown = [each for each in groups if each not in _GROUPS]
    if unknown or not groups:
        raise invalid_field("group_by", "must name day, action or both", allowed=tuple(_GROUPS))
    columns = ", ".join(f"{_GROUPS[each]} AS {each}" for each in groups)
    numbers = ", ".join(str(position + 1) for position in range(len(groups)))
    rows = await call.conn.fetch_all(
        f"SELECT {columns}, count(*) AS count FROM polnor_audit WHERE team_id = %s AND at >= %s AND at < %s"  # noqa: S608
        f" GROUP BY {numbers} ORDER BY {numbers}",
        (call.principal.primary_team_id, first, last),
    )
    return page(call, rows, dict)


async def invoices(call: RequestContext) -> ApiResponse:
    """Answer with one draft invoice: the reference server sends none."""
    start = datetime.combine(call.now.astimezone(UTC).date().replace(day=1), time(), UTC)
    total = sum(cost for cost in (await _costs(call, start, call.now)).values()) * MULTIPLIER
    invoice = {"id": f"inv_{start:%Y%m}", "status": "draft", "period_start": format_z(start), "total": round(total, 2)}
    return ApiResponse(200, {"data": [invoice]})


async def usage(call: RequestContext) -> ApiResponse:
    """Answer with the cost by category. The sample of the page does not multiply; this server does."""
    costs = await _costs(call, *_period(call))
    data = [
        {
            "category": category,
            "provider_cost": round(cost, 2),
            "multiplier": MULTIPLIER,
            "total_cost": round(cost * MULTIPLIER, 2),
        }
        for category, cost in sorted(costs.items())
    ]
    return ApiResponse(200, {"data": data})


async def _costs(call: RequestContext, first: datetime, last: datetime) -> dict[str, float]:
    """Return the cost of a period by category: one hour for each start."""
    rows = await call.conn.fetch_all(
        "SELECT action, count(*) AS count FROM polnor_audit WHERE team_id = %s AND at >= %s AND at < %s"
        " GROUP BY action",
        (call.principal.primary_team_id, first, last),
    )
    started = {row["action"]: int(row["count"]) for row in rows}
    found: dict[str, float] = {}
    for category, action in (("compute_gpu", "compute.start"), ("sql_warehouse", "warehouse.start")):
        if started.get(action):
            found[category] = started[action] * _HOURLY[category]
    return found


def _period(call: RequestContext) -> tuple[datetime, datetime]:
    """Return the beginning of the day `from` and the end of the day `to`."""
    days: list[Any] = []
    for name in ("from", "to"):
        try:
            days.append(date.fromisoformat(call.query.get(name, "")))
        except ValueError:
            raise invalid_field(name, "must be a day such as 2026-06-01") from None
    first, last = days
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + timedelta(days=1)


OPERATIONS = (
    Operation("GET", "/audit/analytics", "polnorAuditAnalytics", (), analytics),
    Operation("GET", "/settings/billing/invoices", "polnorListInvoices", (), invoices),
    Operation("GET", "/settings/billing/usage", "polnorGetUsage", (), usage),
)
