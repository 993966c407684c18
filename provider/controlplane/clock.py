"""The clock of the control plane. Nothing else reads the time of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

# A day or a century added to a time in this range is a valid datetime as well.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ClockSetting:
    """How a clock differs from the machine's clock."""

    offset: timedelta = timedelta()  # how far the clock is ahead
    # The time at which the clock stands still. None = it runs.
    frozen_at: datetime | None = None

    def at(self, machine: datetime) -> datetime:
        """Return the time that a clock with this setting shows when the machine's clock shows `machine`."""
        return self.frozen_at or machine + self.offset

    def freeze(self, machine: datetime, at: datetime | None) -> ClockSetting:
        """Return a setting that stands still at a time, or at the present one."""
        return ClockSetting(self.offset, at or self.at(machine))

    def advance(self, by: timedelta) -> ClockSetting:
        """Return a setting that is further ahead, and still frozen if this one is.

        Raises:
            OverflowError: There is no such time.
        """
        if self.frozen_at is None:
            return ClockSetting(self.offset + by)
        return ClockSetting(self.offset, self.frozen_at + by)

    def resume(self, machine: datetime) -> ClockSetting:
        """Return a setting that runs on from the time that this one shows."""
        return ClockSetting(self.at(machine) - machine)


class Clock:
    """Wall-clock time for everything that ages: the machine's clock through a setting that the admin API changes."""

    def __init__(self) -> None:
        self.setting = ClockSetting()

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self.setting.at(datetime.now(UTC))
