"""Save and restore one PostgreSQL tenant's database on the server. Its sessions are ended."""

from __future__ import annotations

import functools
from collections.abc import Callable

from psycopg import sql

from controlplane.db.pool import Connection, Row
from controlplane.engines.postgres import tenants
from controlplane.plans import effective_quotas
from controlplane.services import Services


async def save(server: Connection, row: Row, copy: str) -> None:
    """Copy the database. `server` is an autocommit connection: a database cannot be created in a transaction."""
    source, target = sql.Identifier(row["db_name"]), sql.Identifier(copy)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    await server.execute(allow.format(source, sql.SQL("false")))
    try:
        await tenants.terminate_sessions(server, row)
        await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(target))
        await server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false").format(target, source))
    finally:
        if row["deleted_at"] is None:
            await server.execute(allow.format(source, sql.SQL("true")))


async def restore(services: Services, conn: Connection, server: Connection, row: Row, copy: str) -> None:
    """Create the database of a row in `conn` from its copy."""
    reached = functools.partial(services.controls.at_step, services.pool)
    await tenants.provision(services.server, services.pool, row["id"], reached, conn=server, template=copy)
    await tenants.assign(conn, row, effective_quotas(row, services.plans).connection_hard_limit)
    if row["deleted_at"] is not None:
        await tenants.revoke_access(conn, row)


async def locked_out(conn: Connection) -> list[str]:
    """Return the names of the databases that allow no connections."""
    return await conn.fetch_column("SELECT datname FROM pg_database WHERE NOT datallowconn")


async def drop(server: Connection, is_dropped: Callable[[str], bool]) -> None:
    """Drop copies by their names. Only databases without connections, as copies are: the server may have others."""
    for name in filter(is_dropped, await locked_out(server)):
        await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
