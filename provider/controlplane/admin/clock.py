"""The clock: frozen, advanced, let go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

from pydantic import Field

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.clock import EARLIEST, LATEST, ClockSetting
from controlplane.db.pool import Connection
from controlplane.http.errors import invalid_field
from controlplane.http.responses import format_z
from controlplane.http.validation import Body

_MOST = 100 * 365 * 86400  # seconds at once
# From %(before)s back to %(now)s.
_WAITING: Final[tuple[LiteralString, ...]] = (
    "UPDATE provision_jobs SET not_before = %(now)s + greatest(interval '0', not_before - %(before)s)"
    " WHERE state IN ('queued', 'running') AND not_before > %(now)s",
    "UPDATE webhook_deliveries SET not_before = %(now)s + greatest(interval '0', not_before - %(before)s)"
    " WHERE status = 'pending' AND not_before > %(now)s",
    "UPDATE databases SET destroy_after = %(now)s + greatest(interval '0', destroy_after - %(before)s)"
    " WHERE destroyed_at IS NULL AND deleted_at > %(now)s",
    "UPDATE api_keys SET last_used_at = %(now)s WHERE last_used_at > %(now)s",
)


class Freeze(Body):
    """at: an ISO 8601 time with its zone; omitted = now."""

    at: str | None = None


class Advance(Body):
    """seconds: how far on."""

    seconds: float = Field(gt=0, le=_MOST)


async def get_clock(ask: AdminRequest) -> dict[str, Any]:
    """What time it is here."""
    async with ask.services.pool.connection() as conn:
        return _view(await _read(conn))


async def freeze_clock(ask: AdminRequest) -> dict[str, Any]:
    """Stand still."""
    text = (await ask.body(Freeze)).at
    at = None if text is None else _moment(text)
    return await _set(ask, "at", lambda setting: setting.freeze(datetime.now(UTC), at), may_go_back=True)


async def advance_clock(ask: AdminRequest) -> dict[str, Any]:
    """Go on by so much at once; whatever becomes due by that is done as if the time had passed."""
    by = timedelta(seconds=(await ask.body(Advance)).seconds)
    return await _set(ask, "seconds", lambda setting: setting.advance(by))


async def resume_clock(ask: AdminRequest) -> dict[str, Any]:
    """Run on from where it stands."""
    return await _set(ask, "body", lambda setting: setting.resume(datetime.now(UTC)))


async def reset_clock(ask: AdminRequest) -> dict[str, Any]:
    """Be the machine's clock again."""
    return await _set(ask, "body", lambda _: ClockSetting(), may_go_back=True)


async def _set(
    ask: AdminRequest, field: str, change: Callable[[ClockSetting], ClockSetting], *, may_go_back: bool = False
) -> dict[str, Any]:
    """field: what to name when the clock would leave its range."""
    async with ask.services.pool.connection() as conn:
        async with conn.transaction():
            if may_go_back:
                # First of all: who has locked a job may wait for the row that we lock next.
                await conn.execute("SELECT FROM provision_jobs WHERE state IN ('queued', 'running') FOR UPDATE")
            before = await _read(conn)
            setting = _within_range(field, change, before)
            await conn.execute(
                "UPDATE dev_controls SET clock_offset = %s, frozen_at = %s", (setting.offset, setting.frozen_at)
            )
            machine = datetime.now(UTC)
            await _go_back(conn, before.at(machine), setting.at(machine))
        await publish(ask.services, conn)
    return _view(setting)


async def _go_back(conn: Connection, before: datetime, now: datetime) -> None:
    """Where the time was set back, what waits has as long to wait as before, and no key was used in the future.

    What only tells when something happened is left as it was told.
    """
    if now < before:
        for statement in _WAITING:
            await conn.execute(statement, {"before": before, "now": now})


async def _read(conn: Connection) -> ClockSetting:
    cursor = await conn.execute("SELECT clock_offset, frozen_at FROM dev_controls FOR UPDATE")
    row = await cursor.fetchone()
    assert row is not None
    return ClockSetting(row["clock_offset"], row["frozen_at"])


def _view(setting: ClockSetting) -> dict[str, Any]:
    return {
        "now": format_z(setting.at(datetime.now(UTC))),
        "is_frozen": setting.frozen_at is not None,
        "offset_seconds": setting.offset.total_seconds(),
    }


def _within_range(field: str, change: Callable[[ClockSetting], ClockSetting], setting: ClockSetting) -> ClockSetting:
    try:
        changed_to = change(setting)
        is_within = EARLIEST <= changed_to.at(datetime.now(UTC)) < LATEST
    except OverflowError:
        is_within = False
    if not is_within:
        raise invalid_field(field, f"would set the clock outside of the years {EARLIEST.year} to {LATEST.year - 1}")
    return changed_to


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise invalid_field("at", "must be an ISO 8601 time with its zone, such as 2026-02-10T14:23:01Z")
    return moment


ROUTES = (
    AdminRoute("GET", "/clock", get_clock),
    AdminRoute("POST", "/clock/freeze", freeze_clock),
    AdminRoute("POST", "/clock/advance", advance_clock),
    AdminRoute("POST", "/clock/resume", resume_clock),
    AdminRoute("POST", "/clock/reset", reset_clock),
)
