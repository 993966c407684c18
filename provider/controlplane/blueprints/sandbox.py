"""Where SQL is rehearsed for real: in a database of our own, as a role that may do nothing else, in a transaction that
is always rolled back, in a schema of its own so that rehearsals do not meet.

Two rehearsals that name the same schema meet all the same. The one that finds the other's lock is begun again in a
database and with a role that are made for it alone, so nobody waits for anybody else's SQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import sql

from controlplane.blueprints.dry_run import SECONDS, DryRun, DryRunFindings, LockedError, out_of_time
from controlplane.blueprints.splitter import Statement
from controlplane.db.pool import Connection, execute_unprepared
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.db.server import CONTROL_DATABASE
from controlplane.engines.postgres.scram import verifier
from controlplane.engines.postgres.sessions import closing, ended_after, open_session
from controlplane.services import Services

# Underscores: no tenant can choose such a name.
DATABASE: Final = "polykomos_scratch"
ROLE: Final = "polykomos_scratch"
_OWN: Final = "polykomos_scratch_"  # and a process's number, and some digits: a database and a role for one rehearsal
_MAKING: Final = 0x73637261  # advisory lock: one process makes it
_GRACE_SECONDS: Final = 2.0  # for the server's own time-out, before a session is ended from outside
_LONGEST_SECONDS: Final = 120  # for which any session of a rehearsal can be of use
_LOOK_EVERY: Final = 30.0  # seconds

# What shows or ends other sessions of the role. Its rehearsals belong to different users.
_FORBIDDEN: Final = (
    "pg_stat_get_activity(integer)",
    "pg_stat_get_backend_activity(integer)",
    "pg_cancel_backend(integer)",
    "pg_terminate_backend(integer, bigint)",
)
_log = logging.getLogger("controlplane.blueprints")


@dataclass(frozen=True)
class Sandbox:
    """The scratch database and role, made."""

    services: Services
    password: str = field(repr=False)

    async def dry_run(self, statements: Sequence[Statement]) -> DryRunFindings:
        """Run them all. Raises ApiError 503 when the time is over."""
        deadline = time.monotonic() + SECONDS
        try:
            return await self._attempt(statements, deadline, DATABASE, self.password)
        except LockedError:
            async with _database_of_its_own(self.services) as (name, password):
                return await self._attempt(statements, deadline, name, password)

    async def _attempt(
        self, statements: Sequence[Statement], deadline: float, name: str, password: str
    ) -> DryRunFindings:
        conn = await open_session(self.services.server, name, user=name, password=password)
        rehearsal = DryRun(conn, statements, deadline, alone=name != DATABASE)
        patience = rehearsal.left_ms() / 1000 + _GRACE_SECONDS
        async with closing(conn), ended_after(self.services.pool, conn, patience) as overdue:
            try:
                await conn.execute("BEGIN")
                schema = sql.Identifier(f"rehearsal_{secrets.token_hex(8)}")
                await conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
                await conn.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(schema))
                return await rehearsal.run()
            except psycopg.OperationalError:
                if overdue.is_over:
                    raise out_of_time(0, len(statements)) from None
                raise


async def sandbox_worker(services: Services) -> None:
    """End sessions and drop databases of rehearsals whose process was killed; for ever."""
    while True:
        await tidy(services)
        await asyncio.sleep(_LOOK_EVERY)


async def tidy(services: Services) -> None:
    """One round."""
    async with services.pool.connection() as conn:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(usename, %s)"
            " AND backend_start < clock_timestamp() - %s * interval '1 second'",
            (ROLE, _LONGEST_SECONDS),
        )
        cursor = await conn.execute(
            WITH_LIVE_PROCESSES  # noqa: S608 - a constant
            + ", names AS (SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles)"
            " SELECT name FROM names WHERE starts_with(name, %s)"
            " AND split_part(name, '_', 3)::int NOT IN (TABLE living)",
            (_OWN,),
        )
        left = [row["name"] for row in await cursor.fetchall()]
    for name in left:
        _log.warning("a rehearsal's database is dropped, its process has ended", extra={"facts": {"name": name}})
        async with services.pool.connection() as conn:
            await _drop(conn, name)


@contextlib.asynccontextmanager
async def _database_of_its_own(services: Services) -> AsyncIterator[tuple[str, str]]:
    """A database and a role of one name, and the role's password; dropped at the end."""
    name, password = f"{_OWN}{services.process_id}_{secrets.token_hex(4)}", secrets.token_hex(16)
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        try:
            await _make_role(conn, name, password)
            await _make_database(services, conn, name)
            yield name, password
        finally:
            await _drop(conn, name)


async def _drop(conn: Connection, name: str) -> None:
    for what in ("DATABASE IF EXISTS {} WITH (FORCE)", "ROLE IF EXISTS {}"):
        await execute_unprepared(conn, sql.SQL("DROP " + what).format(sql.Identifier(name)))


async def ensure_sandbox(services: Services, conn: Connection) -> Sandbox:
    """The scratch database, made where it is missing. conn: to the control plane's tables."""
    password = await _password(conn)
    return Sandbox(services, password or await _make(services))


async def _password(conn: Connection) -> str | None:
    cursor = await conn.execute("SELECT password FROM scratch")
    row = await cursor.fetchone()
    return None if row is None else str(row["password"])


async def _make(services: Services) -> str:
    """Make role and database, each step repeatable; returns the role's password."""
    # Not the caller's connection: a database cannot be made in a transaction. Nor one of the pool's: whoever holds one
    # must not wait for another.
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", (_MAKING,))  # goes with the connection
        made = await _password(conn)
        if made is not None:
            return made
        password = secrets.token_hex(24)
        await _make_role(conn, ROLE, password)
        await _make_database(services, conn, DATABASE)
        await conn.execute("INSERT INTO scratch (password) VALUES (%s)", (password,))
        return password


async def _make_role(conn: Connection, name: str, password: str) -> None:
    role = sql.Identifier(name)
    cursor = await conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE ROLE {}").format(role))
    await conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier(password))))


async def _make_database(services: Services, conn: Connection, name: str) -> None:
    """The database `name` for the role of that name."""
    both = sql.Identifier(name)
    cursor = await conn.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(both))
    await conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(both))
    await conn.execute(sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(both, both))
    async with await services.server.connect(name) as scratch:
        await scratch.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(both))
        for function in _FORBIDDEN:
            await scratch.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
