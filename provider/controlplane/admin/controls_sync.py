"""Synchronise this process's DevControls with the store, whichever process changed them."""

from __future__ import annotations

from typing import Final

from controlplane.clock import ClockSetting
from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE
from controlplane.services import Services

_CHANNEL: Final = "polykomos_controls"
_POLL_SECONDS: Final = 1.0  # a notification may get lost


async def reload(services: Services, conn: Connection) -> None:
    """Read all controls from the store, and wake all waiting tasks if the time has changed."""
    row = await conn.fetch_row(
        "SELECT *, EXISTS (SELECT FROM fault_rules WHERE remaining IS NULL OR remaining > 0) AS has_faults"
        " FROM dev_controls"
    )
    controls = services.controls
    controls.provision_delay, controls.pool_size = row["provision_delay"], row["pool_size"]
    controls.has_faults, controls.has_ids_seed = row["has_faults"], row["ids_seed"] is not None
    controls.kill_at = row["kill_at"]
    controls.has_failures = row["provision_failures"] > 0
    setting = ClockSetting(row["clock_offset"], row["frozen_at"])
    is_changed, services.clock.setting = setting != services.clock.setting, setting
    if is_changed:
        services.notifiers.notify_all()


async def publish(services: Services, conn: Connection) -> None:
    """Apply a change in this process at once and notify the other processes."""
    await reload(services, conn)
    services.notifiers.notify_all()
    await conn.execute(f"NOTIFY {_CHANNEL}")


async def controls_worker(services: Services) -> None:
    """Follow the changes of other processes, without end."""
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        await conn.execute(f"LISTEN {_CHANNEL}")
        while True:
            await reload(services, conn)
            async for _ in conn.notifies(timeout=_POLL_SECONDS, stop_after=1):
                pass
