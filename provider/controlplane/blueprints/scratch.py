"""Rehearsing SQL for real: in a database kept for that, as a role that may do nothing else, in a transaction that is
always taken back, in a schema of its own so that rehearsals do not meet.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from controlplane.blueprints.execution import message_of, run_one
from controlplane.blueprints.splitting import Statement
from controlplane.http.errors import ApiError
from controlplane.postgres.scram import verifier
from controlplane.services import Services
from controlplane.store.pool import Connection
from controlplane.store.server import CONTROL_DATABASE

# Underscores: no tenant can choose such a name.
DATABASE: Final = "polykomos_scratch"
ROLE: Final = "polykomos_scratch"
_MAKING: Final = 0x73637261  # advisory lock: one process makes it
_PLACE: Final = 0x706C6163  # advisory lock in the scratch database: shared by rehearsals, exclusive for one alone

_SECONDS: Final = 15.0  # for a rehearsal, the second attempt included
_STATEMENT_MS: Final = 5_000
_LOCK_MS: Final = 500  # nothing but another rehearsal can hold a lock

# What shows or ends other sessions of the role. Its rehearsals belong to different users.
_FORBIDDEN: Final = (
    "pg_stat_get_activity(integer)",
    "pg_stat_get_backend_activity(integer)",
    "pg_cancel_backend(integer)",
    "pg_terminate_backend(integer, bigint)",
)

# What a blueprint for a database with tables of its own may well refer to. Such a statement is checked for its syntax
# only: whether the object is there is known when it is applied.
_MISSING: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
)

_SQL_ERRORS: Final = "42"  # SQLSTATE's class for errors in what is written, and for rights
_NO_RIGHT: Final = "42501"


class Findings(NamedTuple):
    """Errors and warnings, each naming its statement (counted from 1).

    is_foreign: an error says that this is not the engine's SQL, so it may well be another's.
    """

    errors: list[str]
    warnings: list[str]
    is_foreign: bool = False


class _Met(Exception):
    """Another rehearsal is in the way: both name a schema, so that their own ones do not keep them apart."""


@dataclass(frozen=True)
class Scratch:
    """The scratch database and role, made."""

    services: Services
    password: str = field(repr=False)

    async def rehearse(self, statements: Sequence[Statement]) -> Findings:
        """Run them all. Raises ApiError 503 when too many others wait to rehearse alone."""
        deadline = time.monotonic() + _SECONDS
        try:
            return await self._attempt(statements, deadline, alone=False)
        except _Met:
            return await self._attempt(statements, deadline, alone=True)

    async def _attempt(self, statements: Sequence[Statement], deadline: float, *, alone: bool) -> Findings:
        conn = await self.services.connect(DATABASE, user=ROLE, password=self.password)
        try:
            await conn.execute("BEGIN")
            await _take_place(conn, deadline, alone=alone)
            schema = sql.Identifier(f"rehearsal_{secrets.token_hex(8)}")
            await conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            await conn.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(schema))
            return await _rehearse(conn, statements, deadline, alone=alone)
        finally:
            if not conn.closed:
                await conn.execute("ROLLBACK")
            await conn.close()


async def _take_place(conn: Connection, deadline: float, *, alone: bool) -> None:
    await conn.execute("SELECT set_config('lock_timeout', %s, true)", (str(_left_ms(deadline)),))
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    try:
        await conn.execute(sql.SQL("SELECT {}({})").format(sql.Identifier(lock), _PLACE))
    except psycopg.errors.LockNotAvailable:
        message = "Too many blueprints are being validated at the moment. Try again."
        raise ApiError(503, "validation_busy", message) from None


async def _rehearse(conn: Connection, statements: Sequence[Statement], deadline: float, *, alone: bool) -> Findings:
    errors: list[str] = []
    warnings: list[str] = []
    is_foreign = False
    for number, statement in enumerate(statements, 1):
        if time.monotonic() > deadline:
            errors.append(f"statement {number}: all together took longer than {_SECONDS:g} seconds")
            return Findings(errors, warnings)
        await conn.execute("SAVEPOINT statement")
        _, error = await run_one(conn, statement, min(_STATEMENT_MS, _left_ms(deadline)), _LOCK_MS)
        if error is None:
            await conn.execute("RELEASE SAVEPOINT statement")
            continue
        told = f"statement {number}: {message_of(error)}"
        if conn.info.transaction_status is not TransactionStatus.INERROR:
            return Findings([*errors, told], warnings)  # the session is lost, or it got out of its transaction
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected) and not alone:
            raise _Met
        await conn.execute("ROLLBACK TO SAVEPOINT statement")
        # A column can be missing only from a table that is there, unless a statement that adds it was passed over.
        if isinstance(error, _MISSING) or (isinstance(error, psycopg.errors.UndefinedColumn) and warnings):
            warnings.append(
                f"statement {number} could not be rehearsed, the database must have it: {message_of(error)}"
            )
        else:
            errors.append(told)
            state = error.sqlstate or ""
            is_foreign |= state.startswith(_SQL_ERRORS) and state != _NO_RIGHT
    return Findings(errors, warnings, is_foreign)


def _left_ms(deadline: float) -> int:
    """Until the deadline; at least 1, because 0 is no limit to the server."""
    return max(1, round((deadline - time.monotonic()) * 1000))


async def prepared(services: Services, conn: Connection) -> Scratch:
    """The scratch database, made where it is missing. conn: to the control plane's tables."""
    password = await _password(conn)
    return Scratch(services, password or await _make(services))


async def _password(conn: Connection) -> str | None:
    cursor = await conn.execute("SELECT password FROM scratch")
    row = await cursor.fetchone()
    return None if row is None else str(row["password"])


async def _make(services: Services) -> str:
    """Make role and database, each step repeatable; returns the role's password."""
    # Not the caller's connection: a database cannot be made in a transaction. Nor one of the pool's: whoever holds one
    # must not wait for another.
    async with await services.connect(CONTROL_DATABASE) as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", (_MAKING,))  # goes with the connection
        made = await _password(conn)
        if made is not None:
            return made
        password = secrets.token_hex(24)
        await _make_role(conn, password)
        await _make_database(services, conn)
        await conn.execute("INSERT INTO scratch (password) VALUES (%s)", (password,))
        return password


async def _make_role(conn: Connection, password: str) -> None:
    role = sql.Identifier(ROLE)
    cursor = await conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE ROLE {}").format(role))
    await conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier(password))))


async def _make_database(services: Services, conn: Connection) -> None:
    role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    cursor = await conn.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(database))
    await conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    await conn.execute(sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(database, role))
    async with await services.connect(DATABASE) as scratch:
        await scratch.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
        for function in _FORBIDDEN:
            await scratch.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
