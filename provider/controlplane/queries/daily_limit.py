"""Daily limit of queries, per team and plan and UTC day (api-facts C23, S28)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from controlplane.db.pool import Connection, Row
from controlplane.http.errors import ApiError
from controlplane.plans import Plans, plan_of


def seconds_until_tomorrow(now: datetime) -> int:
    """Return the seconds until the next midnight in UTC, rounded up."""
    today = now.astimezone(UTC)
    midnight = datetime.combine(today.date() + timedelta(days=1), time.min, UTC)
    return -int(-(midnight - today).total_seconds() // 1)


async def consume(conn: Connection, database: Row, now: datetime, plans: Plans) -> None:
    """Count a query of the database's team in the transaction of `conn`.

    A single statement counts and checks, so that concurrent calls, also of other processes, cannot exceed the limit.

    Raises:
        ApiError: 429 `daily_query_limit_exceeded`, the limit of the day is used up.
    """
    limit = plan_of(plans, database["plan"]).daily_queries
    used = await conn.fetch_one(
        "INSERT INTO query_usage AS u (team_id, plan, day, used) VALUES (%(team)s, %(plan)s, %(day)s, 1)"
        " ON CONFLICT (team_id, plan, day) DO UPDATE SET used = u.used + 1"
        " WHERE %(limit)s::integer IS NULL OR u.used < %(limit)s RETURNING used",
        {"team": database["team_id"], "plan": database["plan"], "day": now.astimezone(UTC).date(), "limit": limit},
    )
    if used is None:
        seconds = seconds_until_tomorrow(now)
        raise ApiError(
            429,
            "daily_query_limit_exceeded",
            f"Daily query limit exceeded: plan {database['plan']} has {limit} a day (UTC).",
            {"plan": database["plan"], "limit": limit, "retry_after": seconds},
            headers={"Retry-After": str(seconds)},
        )
