"""Sandbox: a database for dry runs on the real server.

A dry run uses a role that has no other privileges, a transaction that is always rolled back, and a schema of its own,
so that concurrent dry runs do not conflict. If two dry runs name the same schema nevertheless, the one that meets a
lock starts again in a database and with a role created for it alone. So no dry run waits for another user's SQL.
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

# With an underscore, so that no tenant can choose the name.
DATABASE: Final = "polykomos_scratch"
ROLE: Final = "polykomos_scratch"
# Followed by a process's number and random digits: a database and a role for one dry run.
_SEPARATE_PREFIX: Final = "polykomos_scratch_"
_CREATE_LOCK: Final = 0x73637261  # advisory lock: one process creates the sandbox
_GRACE_SECONDS: Final = 2.0  # for the server's time-out, before a session is ended from outside
_MAX_SESSION_SECONDS: Final = 120  # a sandbox session that is older is left over
_LOOK_EVERY: Final = 30.0  # seconds

# Functions that show or end other sessions of the role. Its dry runs belong to different users.
_FORBIDDEN: Final = (
    "pg_stat_get_activity(integer)",
    "pg_stat_get_backend_activity(integer)",
    "pg_cancel_backend(integer)",
    "pg_terminate_backend(integer, bigint)",
)
_log = logging.getLogger("controlplane.blueprints")


@dataclass(frozen=True)
class Sandbox:
    """The existing sandbox database and role."""

    services: Services
    password: str = field(repr=False)

    async def dry_run(self, statements: Sequence[Statement]) -> DryRunFindings:
        """Run all statements, roll them back, and return the findings.

        Raises:
            ApiError: 503, the time limit is exceeded.
        """
        deadline = time.monotonic() + SECONDS
        try:
            return await self._attempt(statements, deadline, DATABASE, self.password)
        except LockedError:
            async with _separate_database(self.services) as (name, password):
                return await self._attempt(statements, deadline, name, password)

    async def _attempt(
        self, statements: Sequence[Statement], deadline: float, name: str, password: str
    ) -> DryRunFindings:
        conn = await open_session(self.services.server, name, user=name, password=password)
        dry_run = DryRun(conn, statements, deadline, alone=name != DATABASE)
        seconds = dry_run.left_ms() / 1000 + _GRACE_SECONDS
        async with closing(conn), ended_after(self.services.pool, conn, seconds) as overdue:
            try:
                await conn.execute("BEGIN")
                schema = sql.Identifier(f"dry_run_{secrets.token_hex(8)}")
                await conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
                await conn.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(schema))
                return await dry_run.run()
            except psycopg.OperationalError:
                if overdue.is_over:
                    raise out_of_time(0, len(statements)) from None
                raise


async def sandbox_worker(services: Services) -> None:
    """End the sessions and drop the databases that dry runs of killed processes left, until cancelled."""
    while True:
        await tidy(services)
        await asyncio.sleep(_LOOK_EVERY)


async def tidy(services: Services) -> None:
    """End the sessions and drop the databases that dry runs of killed processes left."""
    async with services.pool.connection() as conn:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(usename, %s)"
            " AND backend_start < clock_timestamp() - %s * interval '1 second'",
            (ROLE, _MAX_SESSION_SECONDS),
        )
        names = await conn.fetch_column(
            WITH_LIVE_PROCESSES  # noqa: S608 - a constant
            + ", names AS (SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles)"
            " SELECT name FROM names WHERE starts_with(name, %s)"
            " AND split_part(name, '_', 3)::int NOT IN (TABLE living)",
            (_SEPARATE_PREFIX,),
        )
    for name in names:
        _log.warning("a dry run's database is dropped, its process has ended", extra={"facts": {"name": name}})
        async with services.pool.connection() as conn:
            await _drop(conn, name)


@contextlib.asynccontextmanager
async def _separate_database(services: Services) -> AsyncIterator[tuple[str, str]]:
    """Provide the common name of a new database and role, and the role's password. Drop both at the end."""
    name, password = f"{_SEPARATE_PREFIX}{services.process_id}_{secrets.token_hex(4)}", secrets.token_hex(16)
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        try:
            await _create_role(conn, name, password)
            await _create_database(services, conn, name)
            yield name, password
        finally:
            await _drop(conn, name)


async def _drop(conn: Connection, name: str) -> None:
    for what in ("DATABASE IF EXISTS {} WITH (FORCE)", "ROLE IF EXISTS {}"):
        await execute_unprepared(conn, sql.SQL("DROP " + what).format(sql.Identifier(name)))


async def ensure_sandbox(services: Services, conn: Connection) -> Sandbox:
    """Return the sandbox, and create it if it does not exist."""
    password = await _read_password(conn)
    return Sandbox(services, password or await _create(services))


async def _read_password(conn: Connection) -> str | None:
    password: str | None = await conn.fetch_value("SELECT password FROM scratch")
    return password


async def _create(services: Services) -> str:
    """Create the role and the database, and return the role's password. Each step can be repeated."""
    # Not the caller's connection, because a database cannot be created in a transaction. Not one of the pool's either,
    # because a task that has one of its connections must not wait for another.
    async with await services.server.connect(CONTROL_DATABASE) as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", (_CREATE_LOCK,))  # released with the connection
        existing = await _read_password(conn)
        if existing is not None:
            return existing
        password = secrets.token_hex(24)
        await _create_role(conn, ROLE, password)
        await _create_database(services, conn, DATABASE)
        await conn.execute("INSERT INTO scratch (password) VALUES (%s)", (password,))
        return password


async def _create_role(conn: Connection, name: str, password: str) -> None:
    role = sql.Identifier(name)
    if await conn.fetch_one("SELECT FROM pg_roles WHERE rolname = %s", (name,)) is None:
        await conn.execute(sql.SQL("CREATE ROLE {}").format(role))
    await conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier(password))))


async def _create_database(services: Services, conn: Connection, name: str) -> None:
    """Create the database `name` for the role of the same name."""
    both = sql.Identifier(name)
    if await conn.fetch_one("SELECT FROM pg_database WHERE datname = %s", (name,)) is None:
        await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(both))
    await conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(both))
    await conn.execute(sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(both, both))
    async with await services.server.connect(name) as sandbox:
        await sandbox.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(both))
        for function in _FORBIDDEN:
            await sandbox.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
