"""How many queries a day (api-facts C23, S28): a team's, on its databases of one plan, by UTC day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from controlplane.http.errors import ApiError
from controlplane.store.pool import Connection, Row

_PAID: Final = 500
_DAILY: Final[Mapping[str, int]] = {"launch": _PAID, "grow": _PAID, "pro": _PAID}
_UNLIMITED: Final = frozenset({"enterprise"})


def daily_limit(plan: str, free: int) -> int | None:
    """Queries a day of a plan, None for no limit. free: the free plan's, which an unknown plan has too; 0 = none."""
    if plan in _UNLIMITED:
        return None
    return _DAILY.get(plan, free) or None


def seconds_until_tomorrow(now: datetime) -> int:
    """Until the next midnight in UTC, rounded up."""
    today = now.astimezone(UTC)
    midnight = datetime.combine(today.date() + timedelta(days=1), time.min, UTC)
    return -int(-(midnight - today).total_seconds() // 1)


async def count_one(conn: Connection, database: Row, now: datetime, *, free: int) -> None:
    """Count a query of the database's team in this transaction; raises ApiError 429 when the day's are used up.

    One statement, so that calls at the same time, in whatever process, cannot pass the limit together.
    """
    limit = daily_limit(database["plan"], free)
    cursor = await conn.execute(
        "INSERT INTO query_usage AS u (team_id, plan, day, used) VALUES (%(team)s, %(plan)s, %(day)s, 1)"
        " ON CONFLICT (team_id, plan, day) DO UPDATE SET used = u.used + 1"
        " WHERE %(limit)s::integer IS NULL OR u.used < %(limit)s RETURNING used",
        {"team": database["team_id"], "plan": database["plan"], "day": now.astimezone(UTC).date(), "limit": limit},
    )
    if await cursor.fetchone() is None:
        seconds = seconds_until_tomorrow(now)
        raise ApiError(
            429,
            "daily_query_limit_exceeded",
            f"Daily query limit exceeded: plan {database['plan']} has {limit} a day (UTC).",
            {"plan": database["plan"], "limit": limit, "retry_after": seconds},
            headers={"Retry-After": str(seconds)},
        )
