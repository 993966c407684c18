"""The clock of the admin API: freeze, advance, resume, reset."""

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

_MAX_ADVANCE = 100 * 365 * 86400  # seconds
# What waits, when the clock is set back from %(before)s to %(now)s.
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
    """The body of a freeze.

    Attributes:
        at: An ISO 8601 time with its zone. None = now.
    """

    at: str | None = None


class Advance(Body):
    """The body of an advance."""

    seconds: float = Field(gt=0, le=_MAX_ADVANCE)  # how far to set the clock ahead


async def get_clock(call: AdminRequest) -> dict[str, Any]:
    """Return the time of the clock."""
    async with call.services.pool.connection() as conn:
        return _view(await _read(conn))


async def freeze_clock(call: AdminRequest) -> dict[str, Any]:
    """Stop the clock, now or at a time."""
    text = (await call.body(Freeze)).at
    at = None if text is None else _moment(text)
    return await _set(call, "at", lambda setting: setting.freeze(datetime.now(UTC), at), may_go_back=True)


async def advance_clock(call: AdminRequest) -> dict[str, Any]:
    """Set the clock ahead. Whatever becomes due is done as if the time had passed."""
    by = timedelta(seconds=(await call.body(Advance)).seconds)
    return await _set(call, "seconds", lambda setting: setting.advance(by))


async def resume_clock(call: AdminRequest) -> dict[str, Any]:
    """Let the clock run on from the time it shows."""
    return await _set(call, "body", lambda setting: setting.resume(datetime.now(UTC)))


async def reset_clock(call: AdminRequest) -> dict[str, Any]:
    """Return to the machine's clock."""
    return await _set(call, "body", lambda _: ClockSetting(), may_go_back=True)


async def _set(
    call: AdminRequest, field: str, change: Callable[[ClockSetting], ClockSetting], *, may_go_back: bool = False
) -> dict[str, Any]:
    """Change the setting of the clock. `field` is named in the error if the clock would leave its range."""
    async with call.services.pool.connection() as conn:
        async with conn.transaction():
            if may_go_back:
                # First, because a transaction that has locked a job may wait for the row that is locked next.
                await conn.execute("SELECT FROM provision_jobs WHERE state IN ('queued', 'running') FOR UPDATE")
            before = await _read(conn)
            setting = _within_range(field, change, before)
            await conn.execute(
                "UPDATE dev_controls SET clock_offset = %s, frozen_at = %s", (setting.offset, setting.frozen_at)
            )
            machine = datetime.now(UTC)
            await _go_back(conn, before.at(machine), setting.at(machine))
        await publish(call.services, conn)
    return _view(setting)


async def _go_back(conn: Connection, before: datetime, now: datetime) -> None:
    """Shift what waits, so that it waits as long as before the clock was set back. No key was used in the future.

    Time stamps of past events do not change.
    """
    if now < before:
        for statement in _WAITING:
            await conn.execute(statement, {"before": before, "now": now})


async def _read(conn: Connection) -> ClockSetting:
    row = await conn.fetch_row("SELECT clock_offset, frozen_at FROM dev_controls FOR UPDATE")
    return ClockSetting(row["clock_offset"], row["frozen_at"])


def _view(setting: ClockSetting) -> dict[str, Any]:
    return {
        "now": format_z(setting.at(datetime.now(UTC))),
        "is_frozen": setting.frozen_at is not None,
        "offset_seconds": setting.offset.total_seconds(),
    }


def _within_range(field: str, change: Callable[[ClockSetting], ClockSetting], setting: ClockSetting) -> ClockSetting:
    try:
        changed = change(setting)
        is_within = EARLIEST <= changed.at(datetime.now(UTC)) < LATEST
    except OverflowError:
        is_within = False
    if not is_within:
        raise invalid_field(field, f"would set the clock outside of the years {EARLIEST.year} to {LATEST.year - 1}")
    return changed


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
