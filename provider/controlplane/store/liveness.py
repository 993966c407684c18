"""Telling whether a control-plane process is still there, with no clock involved.

Each process takes a number and holds a session advisory lock on it. The lock goes with its connection, so a
process that was killed is known to be dead at once, and one that is merely slow is not.
"""

from __future__ import annotations

from controlplane.store.pool import Connection

_LOCK_CLASS = 0x504B  # advisory locks (class, number) of this purpose


async def announce(conn: Connection) -> int:
    """Take a process number and hold its lock on `conn` (kept open for as long as the process lives)."""
    cursor = await conn.execute("SELECT nextval('process_numbers')::int AS number")
    row = await cursor.fetchone()
    assert row is not None
    number: int = row["number"]
    await conn.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (_LOCK_CLASS, number))
    return number


async def living(conn: Connection) -> list[int]:
    """The numbers of all processes that run now."""
    cursor = await conn.execute(
        "SELECT objid::int AS number FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2"
        " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (_LOCK_CLASS,),
    )
    return [row["number"] for row in await cursor.fetchall()]


async def is_alive(conn: Connection, number: int | None) -> bool:
    """Whether process `number` runs now."""
    return number is not None and number in await living(conn)
