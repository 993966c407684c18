"""PostgreSQL tenants, on the server of the control plane's rows."""

from __future__ import annotations

from controlplane.db.pool import Pool, Row
from controlplane.db.server import Server
from controlplane.engines.base import Endpoint, StepCallback
from controlplane.engines.postgres import storage_limit, tenants


class PostgresEngine:
    """See controlplane.engines.base.DatabaseEngine."""

    value = "postgres"
    label = "PostgreSQL"
    transactional = True
    unavailable_reason: str | None = None
    is_local = True
    is_running = True
    # These need nothing of the engine itself.
    assign = staticmethod(tenants.assign)
    limit_connections = staticmethod(tenants.limit_connections)
    revoke_access = staticmethod(tenants.revoke_access)
    restore_access = staticmethod(tenants.restore_access)

    def __init__(self, server: Server, pool: Pool) -> None:
        self._server = server
        self._pool = pool

    @property
    def endpoint(self) -> Endpoint:
        """Return the address that tenants connect to."""
        return Endpoint("postgresql", self._server.host, self._server.port)

    async def provision(self, number: int, reached: StepCallback) -> None:
        """Create the role and the database. Repeatable."""
        await tenants.provision(self._server, self._pool, number, reached)

    async def terminate_sessions(self, row: Row) -> None:
        """End the sessions of the role and in the database."""
        async with self._pool.connection() as conn:
            await tenants.terminate_sessions(conn, row)

    async def destroy(self, row: Row) -> None:
        """Drop the database and the role. Repeatable."""
        async with self._pool.connection() as conn:
            await tenants.destroy(conn, row["id"], row["db_name"] if row["is_assigned"] else None)

    async def enforce_revocations(self) -> None:
        """End the sessions of deleted tenants."""
        async with self._pool.connection() as conn:
            rows = await conn.fetch_all(
                "SELECT DISTINCT d.id, d.db_name FROM databases d JOIN pg_stat_activity a"
                " ON a.usename = d.db_username OR a.datname = d.db_name"
                " WHERE d.db_type = 'postgres' AND d.deleted_at IS NOT NULL AND d.destroyed_at IS NULL"
            )
            for row in rows:
                await tenants.terminate_sessions(conn, row)

    async def measure_sizes(self, live: list[Row]) -> dict[int, int]:
        """Return the bytes of each of these databases, by number."""
        async with self._pool.connection() as conn:
            return await storage_limit.measure_sizes(conn, live)

    async def block_writes(self, row: Row) -> None:
        """Refuse additions and changes (storage_limit). Repeatable."""
        async with await self._server.connect_within(row["db_name"]) as conn:
            await storage_limit.block_writes(conn, row)

    async def allow_writes(self, row: Row) -> None:
        """Undo `block_writes`. Repeatable."""
        async with await self._server.connect_within(row["db_name"]) as conn:
            await storage_limit.allow_writes(conn, row)
