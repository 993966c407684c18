"""Choose the fault rule of a call. Rules are in the store, so that counts are right over several processes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal

from controlplane.db.pool import Connection, Row

Effect = Literal["status", "status_after", "latency", "reset", "lost_response", "truncated_body", "garbled_body"]
ANY: Final = "*"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call.

    Effects:
        status: Answered with the status; the call is not carried out.
        status_after: Carried out and committed, but answered with the status.
        latency: Carried out and committed; the response is `seconds` late.
        reset: The connection is reset; the call is not carried out.
        lost_response: Carried out and committed; then the connection is reset.
        truncated_body: Carried out and committed; the response ends in the middle.
        garbled_body: Carried out and committed; the body of the response is HTML, as of a proxy.
    """

    rule: int
    effect: Effect  # what goes wrong
    status: int | None  # the status of the effects `status` and `status_after`
    seconds: float | None  # the delay of the response

    @property
    def skips_handler(self) -> bool:
        """Return whether the call is not carried out."""
        return self.effect in ("status", "reset")


async def next_fault(conn: Connection, operation: str) -> Fault | None:
    """Return the fault of the first rule that applies to a call, and count it. Skipping rules count down `skip`."""
    async with conn.transaction():
        rows = await conn.fetch_all(
            "SELECT * FROM fault_rules WHERE operation IN (%s, %s) AND (remaining IS NULL OR remaining > 0)"
            " ORDER BY id FOR UPDATE",
            (operation, ANY),
        )
        for row in rows:
            if row["skip"] > 0:
                await conn.execute("UPDATE fault_rules SET skip = skip - 1 WHERE id = %s", (row["id"],))
            elif random.random() < row["probability"]:  # noqa: S311 - chance, not a secret
                await conn.execute(
                    "UPDATE fault_rules SET remaining = remaining - 1, applied = applied + 1 WHERE id = %s",
                    (row["id"],),
                )
                return _fault(row)
    return None


def _fault(row: Row) -> Fault:
    return Fault(row["id"], row["effect"], row["status"], row["seconds"])
