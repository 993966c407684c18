"""PostgreSQL tenants, on the server that holds the control plane's rows too."""

from __future__ import annotations

from controlplane.engines.base import Place, Reached
from controlplane.postgres import instances, storage
from controlplane.store.pool import Connection, Pool, Row
from controlplane.store.server import Server


class PostgresEngine:
    """See controlplane.engines.base.Engine."""

    value = "postgres"
    label = "PostgreSQL"
    shares_transactions = True
    missing: str | None = None
    is_hosted = True
    is_running = True

    def __init__(self, server: Server, pool: Pool) -> None:
        self._server = server
        self._pool = pool

    @property
    def place(self) -> Place:
        return Place("postgresql", self._server.host, self._server.port)

    async def build(self, number: int, reached: Reached) -> None:
        await instances.build(self._server, self._pool, number, reached)

    async def hand_over(self, conn: Connection, row: Row, connections: int) -> None:
        await instances.hand_over(
            conn, row["id"], db_name=row["db_name"], password=row["db_password"], connections=connections
        )

    async def limit_connections(self, conn: Connection, row: Row, connections: int) -> None:
        await instances.limit_connections(conn, row["id"], connections)

    async def revoke(self, conn: Connection, row: Row) -> None:
        if row["is_assigned"]:
            await instances.revoke(conn, row["id"], row["db_name"])

    async def readmit(self, conn: Connection, row: Row) -> None:
        await instances.readmit(conn, row["id"], row["db_name"])

    async def end_sessions(self, row: Row) -> None:
        async with self._pool.connection() as conn:
            await instances.end_sessions(conn, row["id"], row["db_name"])

    async def destroy(self, row: Row) -> None:
        async with self._pool.connection() as conn:
            await instances.destroy(conn, row["id"], row["db_name"] if row["is_assigned"] else None)

    async def end_stray(self) -> None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT DISTINCT d.id, d.db_name FROM databases d JOIN pg_stat_activity a"
                " ON a.usename = d.db_username OR a.datname = d.db_name"
                " WHERE d.db_type = 'postgres' AND d.deleted_at IS NOT NULL AND d.destroyed_at IS NULL"
            )
            for row in await cursor.fetchall():
                await instances.end_sessions(conn, row["id"], row["db_name"])

    async def sizes(self, live: list[Row]) -> dict[int, int]:
        async with self._pool.connection() as conn:
            return await storage.sizes(conn, live)

    async def stop_writes(self, row: Row) -> None:
        async with await self._server.connect_within(row["db_name"]) as conn:
            await storage.stop_writes(conn, row)

    async def allow_writes(self, row: Row) -> None:
        async with await self._server.connect_within(row["db_name"]) as conn:
            await storage.allow_writes(conn, row)
