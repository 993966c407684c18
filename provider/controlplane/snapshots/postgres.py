"""One PostgreSQL tenant's database, copied on the server and brought back. Who is connected loses the connection."""

from __future__ import annotations

import functools
from collections.abc import Callable

from psycopg import sql

from controlplane.databases.serializers import effective_quotas
from controlplane.db.pool import Connection, Row
from controlplane.engines.postgres import tenants
from controlplane.services import Services


async def save(server: Connection, row: Row, copy: str) -> None:
    """Copy it. server: autocommit, as a database cannot be made in a transaction."""
    source, target = sql.Identifier(row["db_name"]), sql.Identifier(copy)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    await server.execute(allow.format(source, sql.SQL("false")))
    try:
        await tenants.terminate_sessions(server, row["id"], row["db_name"])
        await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(target))
        await server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false").format(target, source))
    finally:
        if row["deleted_at"] is None:
            await server.execute(allow.format(source, sql.SQL("true")))


async def restore(services: Services, conn: Connection, server: Connection, row: Row, copy: str) -> None:
    """Make the database of a row in `conn` again, from its copy."""
    number = row["id"]
    reached = functools.partial(services.controls.at_step, services.pool)
    await tenants.provision(services.server, services.pool, number, reached, conn=server, template=copy)
    await tenants.assign(
        conn,
        number,
        db_name=row["db_name"],
        password=row["db_password"],
        connections=effective_quotas(row, services.plans).connection_hard_limit,
    )
    if row["deleted_at"] is not None:
        await tenants.revoke_access(conn, number, row["db_name"])


async def locked_out(conn: Connection) -> list[str]:
    """The names of the databases that let nobody in."""
    cursor = await conn.execute("SELECT datname AS name FROM pg_database WHERE NOT datallowconn")
    return [row["name"] for row in await cursor.fetchall()]


async def drop(server: Connection, is_unwanted: Callable[[str], bool]) -> None:
    """Drop copies by their names. Only what lets nobody in, as copies do: the server may not be ours alone."""
    for name in filter(is_unwanted, await locked_out(server)):
        await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
