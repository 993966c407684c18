"""The settings of the admin API, as this process last read them."""

from __future__ import annotations

import os
import signal
import uuid
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from controlplane.db.pool import Connection, Pool

_IDS: Final = UUID("6f1d1c9e-6a0a-4a9c-8a53-1a3a9f0b7d11")
# Where a provisioning job can be killed: before the role, after the role, after the database, before the commit.
STEPS: Final = ("before_role", "after_role", "after_database", "before_ack")


class InjectedFailureError(Exception):
    """A failure that the admin API requested."""


@dataclass
class DevControls:
    """Settings of the admin API."""

    # Seconds. None = the value that this process was started with.
    provision_delay: float | None = None
    pool_size: int | None = None  # None = the value that this process was started with
    has_faults: bool = False  # whether there are fault rules to look up
    has_ids_seed: bool = False  # whether ids come from a seeded series
    has_failures: bool = False  # whether attempts to provision are to fail
    kill_at: str | None = None  # one of STEPS

    async def maybe_fail(self, pool: Pool) -> None:
        """Fail this attempt to provision if failures were requested.

        Raises:
            InjectedFailureError: This attempt is one of those that fail.
        """
        if not self.has_failures:
            return
        async with pool.connection() as conn:
            cursor = await conn.execute(
                "UPDATE dev_controls SET provision_failures = provision_failures - 1 WHERE provision_failures > 0"
            )
        if cursor.rowcount:
            raise InjectedFailureError("this failure was injected through the admin API")

    async def at_step(self, pool: Pool, step: str) -> None:
        """Report that a provisioning job has reached a step. Kills this process if the admin API requested that."""
        if self.kill_at != step:
            return
        async with pool.connection() as conn:
            cursor = await conn.execute("UPDATE dev_controls SET kill_at = NULL WHERE kill_at = %s", (step,))
        if cursor.rowcount:
            os.kill(os.getpid(), signal.SIGKILL)

    async def new_uuid(self, conn: Connection) -> UUID:
        """Return a random UUID, or the next one of the seeded series."""
        if not self.has_ids_seed:
            return uuid.uuid4()
        row = await conn.fetch_row("UPDATE dev_controls SET ids_made = ids_made + 1 RETURNING ids_seed, ids_made")
        return uuid.uuid5(_IDS, f"{row['ids_seed']}:{row['ids_made']}")
