"""The one place that knows what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

# Whatever is computed from the time, a day or a century from it, is a time as well.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Wall-clock time; everything that ages (grace, idempotency, retries, rate windows) asks it."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class ClockSetting:
    """How far a clock is ahead of the machine's, or where it stands still."""

    offset: timedelta = timedelta()
    frozen_at: datetime | None = None

    def at(self, machine: datetime) -> datetime:
        """The time that this setting shows."""
        return self.frozen_at or machine + self.offset

    def freeze(self, machine: datetime, at: datetime | None) -> ClockSetting:
        """Standing still, at once or at a given time."""
        return ClockSetting(self.offset, at or self.at(machine))

    def advance(self, by: timedelta) -> ClockSetting:
        """Further on, still standing if it stood. Raises OverflowError where there is no such time."""
        if self.frozen_at is None:
            return ClockSetting(self.offset + by)
        return ClockSetting(self.offset, self.frozen_at + by)

    def resume(self, machine: datetime) -> ClockSetting:
        """Going on from where it is."""
        return ClockSetting(self.at(machine) - machine)


class AdjustableClock:
    """The machine's clock through a setting, which the admin API changes."""

    def __init__(self) -> None:
        self.setting = ClockSetting()

    def now(self) -> datetime:
        return self.setting.at(datetime.now(UTC))
