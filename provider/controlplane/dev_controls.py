"""What the admin API has set, as this process sees it."""

from __future__ import annotations

import os
import signal
import uuid
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from controlplane.db.pool import Connection, Pool

_IDS: Final = UUID("6f1d1c9e-6a0a-4a9c-8a53-1a3a9f0b7d11")


# Where a provisioning job can be killed: nothing made, the role, the database, all but the commit.
STEPS: Final = ("before_role", "after_role", "after_database", "before_ack")


class InjectedFailureError(Exception):
    """A failure on demand."""


@dataclass
class DevControls:
    """provision_delay (seconds), pool_size: None = as this process was told.

    has_faults: whether there are rules to look up. has_ids_seed: whether ids come from a series. has_failures: whether
    attempts to provision are to fail. kill_at: see STEPS.
    """

    provision_delay: float | None = None
    pool_size: int | None = None
    has_faults: bool = False
    has_ids_seed: bool = False
    has_failures: bool = False
    kill_at: str | None = None

    async def maybe_fail(self, pool: Pool) -> None:
        """Raises FailureWanted if this attempt to provision is one of those."""
        if not self.has_failures:
            return
        async with pool.connection() as conn:
            cursor = await conn.execute(
                "UPDATE dev_controls SET provision_failures = provision_failures - 1 WHERE provision_failures > 0"
            )
        if cursor.rowcount:
            raise InjectedFailureError("the admin API asked for it")

    async def at_step(self, pool: Pool, step: str) -> None:
        """Tell that a step of a provisioning job is reached, which may be the end of this process."""
        if self.kill_at != step:
            return
        async with pool.connection() as conn:
            cursor = await conn.execute("UPDATE dev_controls SET kill_at = NULL WHERE kill_at = %s", (step,))
        if cursor.rowcount:
            os.kill(os.getpid(), signal.SIGKILL)

    async def new_uuid(self, conn: Connection) -> UUID:
        """A random one, or the next of the series that a seed began."""
        if not self.has_ids_seed:
            return uuid.uuid4()
        cursor = await conn.execute("UPDATE dev_controls SET ids_made = ids_made + 1 RETURNING ids_seed, ids_made")
        row = await cursor.fetchone()
        assert row is not None
        return uuid.uuid5(_IDS, f"{row['ids_seed']}:{row['ids_made']}")
