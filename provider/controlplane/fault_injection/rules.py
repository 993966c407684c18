"""Which rule meets a call. Kept in the store, so that counts hold over several processes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, get_args

from controlplane.db.pool import Connection, Row

Effect = Literal["status", "status_after", "latency", "reset", "lost_response", "truncated_body"]
EFFECTS: Final[tuple[str, ...]] = get_args(Effect)
ANY: Final = "*"


@dataclass(frozen=True)
class Fault:
    """What is to go wrong with one call.

    status: answered with it, nothing is done. status_after: done and committed, answered with it all the same.
    latency: done and committed, the reply is `seconds` late. reset: the connection is reset, nothing is done.
    lost_response: done and committed, then the connection is reset. truncated_body: done and committed, the reply
    ends in the middle.
    """

    rule: int
    effect: Effect
    status: int | None
    seconds: float | None

    @property
    def skips_handler(self) -> bool:
        """Whether the call is not carried out."""
        return self.effect in ("status", "reset")


async def next_fault(conn: Connection, operation: str) -> Fault | None:
    """The fault of the first rule that meets this call, counted; rules that let it pass count down their `skip`."""
    async with conn.transaction():
        cursor = await conn.execute(
            "SELECT * FROM fault_rules WHERE operation IN (%s, %s) AND (remaining IS NULL OR remaining > 0)"
            " ORDER BY id FOR UPDATE",
            (operation, ANY),
        )
        for row in await cursor.fetchall():
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
