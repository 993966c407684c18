"""Telling whether a control-plane process is still there, with no clock involved.

Each process takes a number and holds a session advisory lock on it. The lock goes with its connection, so a
process that was killed is known to be dead at once, and one that is merely slow is not. A process that loses that
connection counts as dead too, though it lives on (see presence.py).
"""

from __future__ import annotations

from typing import Final

from controlplane.store.pool import Connection

LOCK_CLASS: Final = 0x504B  # advisory locks (class, number) of this purpose
# The owner of work that its process has given back: a number that no process ever has.
NOBODY: Final = 0


async def announce(conn: Connection) -> int:
    """Take a process number and hold its lock for as long as `conn` is open."""
    cursor = await conn.execute("SELECT nextval('process_numbers')::int AS number")
    row = await cursor.fetchone()
    assert row is not None
    number: int = row["number"]
    await conn.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (LOCK_CLASS, number))
    return number


async def living(conn: Connection) -> list[int]:
    """The numbers of all processes that run now."""
    cursor = await conn.execute(
        "SELECT objid::int AS number FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2"
        " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (LOCK_CLASS,),
    )
    return [row["number"] for row in await cursor.fetchall()]


async def is_alive(conn: Connection, number: int | None) -> bool:
    """Whether process `number` runs now."""
    return number is not None and number in await living(conn)
