"""The tenants' databases on the server, copied and brought back. Whoever is connected to one loses the connection."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from psycopg import sql

from controlplane.databases import instances
from controlplane.databases.views import effective_quotas
from controlplane.services import Services
from controlplane.store.pool import Connection, Row


def copy_name(snapshot: int, database: int) -> str:
    """The copy's name on the server; no tenant can choose one with an underscore."""
    return f"snapshot_{snapshot}_{database}"


async def present(conn: Connection) -> list[Row]:
    """The PostgreSQL databases that are there: handed over and not destroyed, deleted ones in their grace too."""
    cursor = await conn.execute(
        "SELECT * FROM databases WHERE db_type = 'postgres' AND is_assigned AND destroyed_at IS NULL ORDER BY id"
    )
    return await cursor.fetchall()


async def save(server: Connection, snapshot: int, rows: Sequence[Row]) -> None:
    """Copy each. server: autocommit, as a database cannot be made in a transaction."""
    for row in rows:
        source, target = sql.Identifier(row["db_name"]), sql.Identifier(copy_name(snapshot, row["id"]))
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        await server.execute(allow.format(source, sql.SQL("false")))
        try:
            await instances.end_sessions(server, row["id"], row["db_name"])
            await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(target))
            await server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false").format(target, source)
            )
        finally:
            if row["deleted_at"] is None:
                await server.execute(allow.format(source, sql.SQL("true")))


async def destroy_all(conn: Connection, server: Connection) -> None:
    """Drop every instance that there is, the pool's and half-built ones too."""
    cursor = await conn.execute(
        "SELECT id, CASE WHEN is_assigned THEN db_name END AS db_name FROM databases WHERE destroyed_at IS NULL"
        " UNION SELECT id, NULL FROM pool_instances"
    )
    for row in await cursor.fetchall():
        await instances.destroy(server, row["id"], row["db_name"])


async def bring_back(services: Services, conn: Connection, server: Connection, snapshot: int) -> None:
    """Make the databases of the rows in `conn` again, from their copies."""
    for row in await present(conn):
        number = row["id"]
        await instances.build(
            services.server,
            services.pool,
            number,
            functools.partial(services.controls.reach, services.pool),
            conn=server,
            template=copy_name(snapshot, number),
        )
        await instances.hand_over(
            conn,
            number,
            db_name=row["db_name"],
            password=row["db_password"],
            connections=effective_quotas(row).connection_hard_limit,
        )
        if row["deleted_at"] is not None:
            await instances.revoke(conn, number, row["db_name"])


async def drop(server: Connection, snapshot: int) -> None:
    """Drop the copies."""
    cursor = await server.execute(
        "SELECT datname AS name FROM pg_database WHERE datname LIKE %s", (f"snapshot\\_{snapshot}\\_%",)
    )
    for row in await cursor.fetchall():
        await server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(row["name"])))
