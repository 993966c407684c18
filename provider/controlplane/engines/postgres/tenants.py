"""A tenant's role and database on the server: provision, assign, limit, revoke, destroy.

Isolation: the superuser owns the database. A role that all tenants are members of owns its schema `public`; no other
tenant may connect, so the schema is the tenant's. PUBLIC may not connect to any database.
All functions except `provision` and `destroy` work inside the caller's transaction, so that the server and the control
plane's rows change together.
"""

from __future__ import annotations

import contextlib
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from controlplane.db.pool import Connection, Pool, Row, execute_unprepared
from controlplane.db.server import Server
from controlplane.engines.base import StepCallback
from controlplane.engines.naming import role_name
from controlplane.engines.postgres.scram import verifier
from controlplane.engines.postgres.template import TEMPLATE, TENANTS, own_public_schema

# Any tenant may lock any database by ALTER ROLE … IN DATABASE in an open transaction.
_EVICT: Final[LiteralString] = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND a.usename ~ '^u[0-9]+$'"
    " AND l.objid = (SELECT oid FROM pg_database WHERE datname = {evicted})"
)


def unassigned_name(number: int) -> str:
    """Return the name of a database before it is assigned. No tenant can choose a name with an underscore."""
    return f"instance_{number}"


async def provision(
    server: Server,
    pool: Pool,
    number: int,
    reached: StepCallback,
    *,
    conn: Connection | None = None,
    template: str = TEMPLATE,
) -> None:
    """Create the role and the unassigned database. Repeatable. Nobody can log in yet.

    The template has no connections. `reached` is called with `after_role` once the role exists.
    """
    role, database = role_name(number), unassigned_name(number)
    async with pool.connection() if conn is None else contextlib.nullcontext(conn) as conn:
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            await _run(conn, "CREATE ROLE {role} NOLOGIN", role=role)
        await reached("after_role")
        try:
            # PUBLIC may connect to a new database: its limit locks out all but superusers until that is revoked.
            await _run(
                conn,
                "CREATE DATABASE {database} TEMPLATE {template} CONNECTION LIMIT 0",
                database=database,
                template=template,
            )
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            async with await server.connect_within(database) as within:
                await own_public_schema(within)
        # One commit, so that no session sees a part of it. It is written to disk with the commit of the instance's row.
        await _run(
            conn,
            "SET LOCAL synchronous_commit = off; GRANT {tenants} TO {role}; REVOKE ALL ON DATABASE {database} FROM"
            " PUBLIC; GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role};"
            " ALTER DATABASE {database} CONNECTION LIMIT -1",
            database=database,
            role=role,
            tenants=TENANTS,
        )


async def assign(conn: Connection, row: Row, connections: int) -> None:
    """Rename a provisioned database and let the tenant log in."""
    await _run(
        conn,
        _EVICT + "; ALTER DATABASE {database} RENAME TO {name};"
        " ALTER ROLE {role} LOGIN PASSWORD {verifier} CONNECTION LIMIT {limit}",
        database=unassigned_name(row["id"]),
        evicted=sql.Literal(unassigned_name(row["id"])),
        name=row["db_name"],
        role=role_name(row["id"]),
        # Instead of the password: a failing statement must not contain the secret.
        verifier=sql.Literal(verifier(row["db_password"])),
        limit=sql.Literal(connections),
    )


async def limit_connections(conn: Connection, row: Row, connections: int) -> None:
    """Set the connection limit. Open sessions stay."""
    limit = sql.Literal(connections)
    await _run(conn, "ALTER ROLE {role} CONNECTION LIMIT {limit}", role=role_name(row["id"]), limit=limit)


async def revoke_access(conn: Connection, row: Row) -> None:
    """Refuse new sessions from the commit on. `terminate_sessions` then ends the open ones."""
    if row["is_assigned"]:
        await _run(conn, "ALTER ROLE {role} NOLOGIN", role=role_name(row["id"]))
        await _run(conn, "ALTER DATABASE {database} ALLOW_CONNECTIONS false", database=row["db_name"])


async def restore_access(conn: Connection, row: Row) -> None:
    """Undo a revocation."""
    await _run(conn, "ALTER ROLE {role} LOGIN", role=role_name(row["id"]))
    await _run(conn, "ALTER DATABASE {database} ALLOW_CONNECTIONS true", database=row["db_name"])


async def terminate_sessions(conn: Connection, row: Row) -> None:
    """End every session in the database or of the role."""
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE (datname = %s OR usename = %s) AND pid <> pg_backend_pid()",
        (row["db_name"], role_name(row["id"])),
    )


async def destroy(conn: Connection, number: int, db_name: str | None) -> None:
    """Drop what exists of the instance. `conn` must not be in a transaction."""
    for database in filter(None, (db_name, unassigned_name(number))):
        await _run(conn, _EVICT, evicted=sql.Literal(database))
        await _run(conn, "DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database)
    # A snapshot may contain objects of the role, and needs the role to be restored.
    with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
        await _run(conn, "DROP ROLE IF EXISTS {role}", role=role_name(number))


async def revoke_public_connect(conn: Connection, databases: list[str]) -> None:
    """Lock tenants out of databases that are not theirs."""
    for database in databases:
        await _run(conn, "REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC", database=database)


async def _run(conn: Connection, text: LiteralString, **parts: str | sql.Literal) -> None:
    """Run a statement. A `str` among the parts is a name on the server."""
    filled = {key: sql.Identifier(part) if isinstance(part, str) else part for key, part in parts.items()}
    await execute_unprepared(conn, sql.SQL(text).format(**filled))
