"""A tenant's role and database on the server: built, handed over, limited, revoked, destroyed.

Isolation: the superuser owns the database, the tenant owns its schema `public`, PUBLIC may not connect anywhere.
All but building and destroying works inside the caller's transaction, so that the server and the control plane's
rows change together.
"""

from __future__ import annotations

import contextlib
from typing import LiteralString

import psycopg
from psycopg import sql

from controlplane.engines import Reached
from controlplane.postgres.scram import verifier
from controlplane.store.pool import Connection, Pool
from controlplane.store.server import Server


def role_name(number: int) -> str:
    """The tenant's role, which is its user name."""
    return f"u{number}"


def raw_name(number: int) -> str:
    """A built database before it gets its own name; no tenant can choose one with an underscore."""
    return f"instance_{number}"


def _statement(text: LiteralString, **names: str) -> sql.Composed:
    return sql.SQL(text).format(**{key: sql.Identifier(name) for key, name in names.items()})


async def build(
    server: Server,
    pool: Pool,
    number: int,
    reached: Reached,
    *,
    conn: Connection | None = None,
    template: str = "template0",
) -> None:
    """Make role and raw database; what a killed run already made is kept. Nobody can log in yet.

    conn: autocommit; None = one of the pool's. template: a database that nobody is connected to.
    """
    role, database = role_name(number), raw_name(number)
    async with pool.connection() if conn is None else contextlib.nullcontext(conn) as conn:
        if not await _exists(conn, "SELECT FROM pg_roles WHERE rolname = %s", role):
            await conn.execute(_statement("CREATE ROLE {role} NOLOGIN", role=role))
        await reached("after_role")
        if not await _exists(conn, "SELECT FROM pg_database WHERE datname = %s", database):
            # PUBLIC may connect to a new database: its limit keeps all but superusers out until that is revoked.
            await conn.execute(
                _statement(
                    "CREATE DATABASE {database} TEMPLATE {template} ENCODING 'UTF8' CONNECTION LIMIT 0"
                    # By way of its log, as is the default, PostgreSQL waits once for the disk instead of for each file.
                    + ("" if server.waits_for_disk else " STRATEGY FILE_COPY"),
                    database=database,
                    template=template,
                )
            )
    async with await server.connect(database) as conn:
        # Together: one commit, and nobody sees the half of it.
        await conn.execute(
            _statement(
                "REVOKE ALL ON DATABASE {database} FROM PUBLIC;"
                " GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role};"
                " ALTER DATABASE {database} CONNECTION LIMIT -1;"
                " ALTER SCHEMA public OWNER TO {role}",
                database=database,
                role=role,
            )
        )


async def hand_over(conn: Connection, number: int, *, db_name: str, password: str, connections: int) -> None:
    """Give a built instance its name and let the tenant in."""
    # The verifier instead of the password: a failing statement must not carry the secret.
    await conn.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}; ALTER ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}").format(
            sql.Identifier(raw_name(number)),
            sql.Identifier(db_name),
            sql.Identifier(role_name(number)),
            sql.Literal(verifier(password)),
            sql.Literal(connections),
        )
    )


async def limit_connections(conn: Connection, number: int, connections: int) -> None:
    """Set the connection limit; sessions that are open already stay."""
    await conn.execute(
        sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(role_name(number)), sql.Literal(connections))
    )


async def revoke(conn: Connection, number: int, db_name: str) -> None:
    """No new session in a handed-over instance from the commit on; `end_sessions` then ends the open ones."""
    await conn.execute(_statement("ALTER ROLE {role} NOLOGIN", role=role_name(number)))
    await conn.execute(_statement("ALTER DATABASE {database} ALLOW_CONNECTIONS false", database=db_name))


async def readmit(conn: Connection, number: int, db_name: str) -> None:
    """Take a revocation back."""
    await conn.execute(_statement("ALTER ROLE {role} LOGIN", role=role_name(number)))
    await conn.execute(_statement("ALTER DATABASE {database} ALLOW_CONNECTIONS true", database=db_name))


async def end_sessions(conn: Connection, number: int, db_name: str) -> None:
    """Terminate every session in the database or of the role."""
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE (datname = %s OR usename = %s) AND pid <> pg_backend_pid()",
        (db_name, role_name(number)),
    )


async def destroy(conn: Connection, number: int, db_name: str | None) -> None:
    """Drop whatever exists of it. `conn` must not be in a transaction."""
    for database in filter(None, (db_name, raw_name(number))):
        await conn.execute(_statement("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database))
    # A snapshot may hold objects of the role, and needs it if it is brought back.
    with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
        await conn.execute(_statement("DROP ROLE IF EXISTS {role}", role=role_name(number)))


async def close_to_public(conn: Connection, databases: list[str]) -> None:
    """Keep tenants out of the databases that are not theirs by default."""
    for database in databases:
        await conn.execute(
            _statement("REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC", database=database)
        )


async def _exists(conn: Connection, query: LiteralString, name: str) -> bool:
    cursor = await conn.execute(query, (name,))
    return await cursor.fetchone() is not None
