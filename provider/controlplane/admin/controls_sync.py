"""Keeping this process's controls as the store has them, whichever process changed them."""

from __future__ import annotations

from typing import Final

from controlplane.clock import AdjustableClock, ClockSetting
from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE
from controlplane.services import Services

_CHANNEL: Final = "polykomos_controls"
_LOOK_EVERY: Final = 1.0  # seconds, should a notice get lost


async def reload(services: Services, conn: Connection) -> None:
    """Read everything anew; wakes whoever waits, as the time may be another one."""
    cursor = await conn.execute(
        "SELECT *, EXISTS (SELECT FROM fault_rules WHERE remaining IS NULL OR remaining > 0) AS has_faults"
        " FROM dev_controls"
    )
    row = await cursor.fetchone()
    assert row is not None
    controls = services.controls
    controls.provision_delay, controls.pool_size = row["provision_delay"], row["pool_size"]
    controls.has_faults, controls.has_ids_seed = row["has_faults"], row["ids_seed"] is not None
    controls.kill_at = row["kill_at"]
    controls.has_failures = row["provision_failures"] > 0
    if isinstance(services.clock, AdjustableClock):
        setting = ClockSetting(row["clock_offset"], row["frozen_at"])
        is_changed, services.clock.setting = setting != services.clock.setting, setting
        if is_changed:
            services.notifiers.notify_all()


async def publish(services: Services, conn: Connection) -> None:
    """After a change: see it here at once and tell the other processes."""
    await reload(services, conn)
    services.notifiers.notify_all()
    await conn.execute(f"NOTIFY {_CHANNEL}")


async def controls_worker(services: Services) -> None:
    """Listen for changes that other processes made, for ever."""
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        await conn.execute(f"LISTEN {_CHANNEL}")
        while True:
            await reload(services, conn)
            async for _ in conn.notifies(timeout=_LOOK_EVERY, stop_after=1):
                pass
