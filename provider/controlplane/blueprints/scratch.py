"""Rehearsing SQL for real: in a database kept for that, as a role that may do nothing else, in a transaction that is
always taken back, in a schema of its own so that rehearsals do not meet.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import sql

from controlplane.blueprints.execution import message_of, run_one
from controlplane.blueprints.splitting import Statement
from controlplane.services import Services
from controlplane.store.pool import Connection

# Underscores: no tenant can choose such a name.
DATABASE: Final = "polykomos_scratch"
ROLE: Final = "polykomos_scratch"
_MAKING: Final = 0x73637261  # advisory lock: one process makes it
_TIMEOUT_MS: Final = 5_000

# What a blueprint for a database with tables of its own may well refer to. Such a statement is checked for its syntax
# only: whether the object is there is known when it is applied.
_MISSING: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
)


async def rehearse(services: Services, statements: Sequence[Statement]) -> tuple[list[str], list[str]]:
    """Errors and warnings, each naming its statement (counted from 1)."""
    password = await _prepared(services)
    conn = await services.connect(DATABASE, user=ROLE, password=password)
    async with conn, conn.transaction(force_rollback=True):
        schema = sql.Identifier(f"rehearsal_{secrets.token_hex(8)}")
        await conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        await conn.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(schema))
        return await _rehearse(conn, statements)
    raise AssertionError("the rehearsal was swallowed by its rollback")


async def _rehearse(conn: Connection, statements: Sequence[Statement]) -> tuple[list[str], list[str]]:
    errors: list[str] = []
    warnings: list[str] = []
    for number, statement in enumerate(statements, 1):
        await conn.execute("SAVEPOINT statement")
        _, error = await run_one(conn, statement, _TIMEOUT_MS)
        if error is None:
            await conn.execute("RELEASE SAVEPOINT statement")
            continue
        if conn.closed:
            return [*errors, f"statement {number}: {message_of(error)}"], warnings
        await conn.execute("ROLLBACK TO SAVEPOINT statement")
        if isinstance(error, _MISSING):
            warnings.append(
                f"statement {number} could not be rehearsed, the database must have it: {message_of(error)}"
            )
        else:
            errors.append(f"statement {number}: {message_of(error)}")
    return errors, warnings


async def _prepared(services: Services) -> str:
    """The scratch role's password, after making role and database where they are missing."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute("SELECT password FROM scratch")
        row = await cursor.fetchone()
        if row is not None:
            return str(row["password"])
        await conn.execute("SELECT pg_advisory_lock(%s)", (_MAKING,))
        try:
            return await _make(services, conn)
        finally:
            await conn.execute("SELECT pg_advisory_unlock(%s)", (_MAKING,))


async def _make(services: Services, conn: Connection) -> str:
    cursor = await conn.execute("SELECT password FROM scratch")
    row = await cursor.fetchone()
    if row is not None:
        return str(row["password"])
    password = secrets.token_hex(24)
    role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    cursor = await conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE ROLE {}").format(role))
    verifier = conn.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    await conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier)))
    cursor = await conn.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(database))
    await conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    await conn.execute(sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(database, role))
    async with await services.connect(DATABASE) as scratch:
        await scratch.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
    await conn.execute("INSERT INTO scratch (password) VALUES (%s)", (password,))
    return password
