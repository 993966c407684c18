"""The rate limit of a key: a sliding minute and a calendar month (UTC), counted for all processes together.

Refused requests do not count (S36). The minute is sixty whole seconds, the current one included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

from controlplane.clock import Clock
from controlplane.db.pool import Connection, Pool
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal

_WINDOW = 60  # seconds


@dataclass(frozen=True)
class Usage:
    """The counted requests of a key.

    Attributes:
        minute: Requests by Unix second, oldest first.
        month: The first day of the counted month.
        month_count: The requests of that month.
    """

    minute: tuple[tuple[int, int], ...] = ()
    month: date | None = None
    month_count: int = 0

    def at(self, now: datetime) -> Usage:
        """Return the part of the usage that still counts."""
        second = int(now.timestamp())
        month = first_of_month(now)
        return Usage(
            # A clock that was set back leaves seconds in the future. They are not part of this minute.
            minute=tuple((at, count) for at, count in self.minute if second - _WINDOW < at <= second),
            month=month,
            month_count=self.month_count if self.month == month else 0,
        )

    @property
    def in_minute(self) -> int:
        """Return the requests of the minute."""
        return sum(count for _, count in self.minute)


def admit(usage: Usage, now: datetime, *, per_minute: int, monthly_quota: int | None) -> Usage:
    """Return the usage with one more request.

    Args:
        usage: The usage so far.
        now: The time of the request.
        per_minute: The limit of the minute; 0 = none.
        monthly_quota: The limit of the month; None = none.

    Raises:
        ApiError: 429 with Retry-After in whole seconds.
    """
    usage = usage.at(now)
    if 0 < per_minute <= usage.in_minute:
        free_at = usage.minute[0][0] + _WINDOW
        raise _refusal("rate_limit_exceeded", "Rate limit exceeded for this API key.", free_at - now.timestamp())
    if monthly_quota is not None and usage.month_count >= monthly_quota:
        until = next_month(now) - now
        raise _refusal("monthly_quota_exceeded", "The monthly quota of this API key is used up.", until.total_seconds())
    second = int(now.timestamp())
    counts = dict(usage.minute)
    minute = {**counts, second: counts.get(second, 0) + 1}
    return Usage(tuple(minute.items()), usage.month, usage.month_count + 1)


def first_of_month(now: datetime) -> date:
    """Return the first day of the month in UTC."""
    return now.astimezone(UTC).date().replace(day=1)


def next_month(now: datetime) -> datetime:
    """Return when the next month begins in UTC."""
    first = first_of_month(now)
    return datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)


def _refusal(code: str, message: str, seconds: float) -> ApiError:
    return ApiError(429, code, message, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


async def consume(pool: Pool, principal: Principal, clock: Clock) -> None:
    """Admit one request of the key and count it for all processes.

    Raises:
        ApiError: 429, the rate limit or the monthly quota is used up.
    """
    if principal.requests_per_minute <= 0 and principal.monthly_quota is None:
        return
    async with pool.connection() as conn, conn.transaction():
        usage = await _lock(conn, principal.key_id)
        # The time at which the lock was taken. By the time of arrival, requests that this one has waited for would be
        # in the future and would not count.
        usage = admit(
            usage,
            clock.now(),
            per_minute=principal.requests_per_minute,
            monthly_quota=principal.monthly_quota,
        )
        await _write(conn, principal.key_id, usage)


async def refund(conn: Connection, principal: Principal) -> None:
    """Subtract the last request from the month, because it was refused after all (S36)."""
    if principal.monthly_quota is not None:
        await conn.execute(
            "UPDATE key_usage SET month_count = greatest(month_count - 1, 0) WHERE api_key_id = %s", (principal.key_id,)
        )


async def _lock(conn: Connection, key_id: int) -> Usage:
    # A crash may lose the last requests. Waiting for the disk at each one is not worth it.
    query = (
        "SELECT seconds, counts, month, month_count, set_config('synchronous_commit', 'off', true)"
        " FROM key_usage WHERE api_key_id = %s FOR UPDATE"
    )
    cursor = await conn.execute(query, (key_id,))
    row = await cursor.fetchone()
    if row is None:
        await conn.execute("INSERT INTO key_usage (api_key_id) VALUES (%s) ON CONFLICT DO NOTHING", (key_id,))
        cursor = await conn.execute(query, (key_id,))
        row = await cursor.fetchone()
    assert row is not None
    minute = tuple(zip(row["seconds"], row["counts"], strict=True))
    return Usage(minute, row["month"], row["month_count"])


async def _write(conn: Connection, key_id: int, usage: Usage) -> None:
    await conn.execute(
        "UPDATE key_usage SET seconds = %s, counts = %s, month = %s, month_count = %s WHERE api_key_id = %s",
        ([at for at, _ in usage.minute], [count for _, count in usage.minute], usage.month, usage.month_count, key_id),
    )
