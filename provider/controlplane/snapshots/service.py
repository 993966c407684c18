"""Save, restore and reset the whole state, while all other work waits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from controlplane.db.pool import Connection
from controlplane.db.server import CONTROL_DATABASE
from controlplane.http.errors import ApiError, invalid_field, not_found
from controlplane.services import Services
from controlplane.snapshots import cleanup, databases, tables

_PATIENCE: Final = 30.0  # seconds for running work to end
_ACCOUNTS: Final = ["users", "teams", "memberships", "api_keys", "blueprints", "blueprint_versions", "dev_controls"]


async def create(services: Services, name: str) -> None:
    """Save the whole state. If that is interrupted, `cleanup` undoes it.

    Raises:
        ApiError: 422 `invalid_field`, the name is taken; 409 `busy`.
    """
    async with _alone(services, to_change=False) as (conn, server):
        number = await conn.fetch_value(
            "INSERT INTO snapshots (name, created_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id",
            (name, services.clock.now()),
        )
        if number is None:
            raise invalid_field("name", "there is a snapshot of this name; choose another name, or delete the snapshot")
        await tables.save(conn, number)
        await databases.save(services, conn, server, number, await databases.existing(conn))


async def restore(services: Services, name: str) -> None:
    """Restore a snapshot. If the process is killed meanwhile, the state is unusable: restore the snapshot again.

    Raises:
        ApiError: 404, there is no such snapshot; 409 `busy`.
    """
    async with services.pool.connection() as conn:
        number = await _number(conn, name)
    async with _alone(services, to_change=True, snapshot=number) as (conn, server):
        await databases.destroy_all(services, conn, server)
        await tables.restore(conn, number)
        await databases.restore(services, conn, server, number)
    services.notifiers.notify_all()


async def delete(services: Services, name: str) -> None:
    """Delete a snapshot.

    Raises:
        ApiError: 404, there is no such snapshot.
    """
    async with _connections(services) as (conn, server), conn.transaction():
        number = await _number(conn, name)
        await databases.drop(services, server, number)
        await tables.drop(conn, number)
        await conn.execute("DELETE FROM snapshots WHERE id = %s", (number,))


async def reset(services: Services) -> None:
    """Delete databases, blueprints, webhooks and rules, and reset the clock. Users, keys and snapshots stay."""
    async with _alone(services, to_change=True) as (conn, server):
        await databases.destroy_all(services, conn, server)
        await tables.empty(conn, _ACCOUNTS)
        await conn.execute(
            "DELETE FROM blueprint_versions USING blueprints b WHERE b.id = blueprint_id AND b.user_id IS NOT NULL"
        )
        await conn.execute("DELETE FROM blueprints WHERE user_id IS NOT NULL")
        await conn.execute("DELETE FROM dev_controls")
        await conn.execute("INSERT INTO dev_controls DEFAULT VALUES")
    services.notifiers.notify_all()


async def list_all(conn: Connection) -> list[dict[str, Any]]:
    """Return the names and times of all snapshots, oldest first."""
    return await conn.fetch_all("SELECT name, created_at FROM snapshots ORDER BY id")


async def _number(conn: Connection, name: str) -> int:
    number = await conn.fetch_value("SELECT id FROM snapshots WHERE name = %s", (name,))
    if number is None:
        raise not_found("snapshot")
    return int(number)


@contextlib.asynccontextmanager
async def _connections(services: Services) -> AsyncIterator[tuple[Connection, Connection]]:
    """Yield two new connections: those of the pool may all wait for our locks."""
    async with (
        await services.server.connect(CONTROL_DATABASE) as conn,
        await services.server.connect(CONTROL_DATABASE) as server,
    ):
        # Before any other lock: the server cannot detect a deadlock between the two connections.
        await cleanup.acquire_lock(server)
        yield conn, server


@contextlib.asynccontextmanager
async def _alone(
    services: Services, *, to_change: bool, snapshot: int | None = None
) -> AsyncIterator[tuple[Connection, Connection]]:
    """Yield connections with a transaction in which no other process changes anything and no work is running.

    Of `snapshot`, the databases are used.

    Raises:
        ApiError: 409 `busy`, 503 `engine_unavailable`.
    """
    deadline = time.monotonic() + _PATIENCE
    async with _connections(services) as (conn, server):
        await databases.ensure_mysql_running(services, server, snapshot)
        while True:
            await conn.execute("BEGIN")
            try:
                if await tables.try_lock(conn, to_change=to_change) and not await _is_busy(conn):
                    yield conn, server
                    await conn.execute("COMMIT")
                    return
            except BaseException:
                await conn.execute("ROLLBACK")
                raise
            await conn.execute("ROLLBACK")
            if time.monotonic() > deadline:
                raise ApiError(409, "busy", f"Work is still running after {_PATIENCE:g} seconds. Try again.")
            await asyncio.sleep(0.1)


async def _is_busy(conn: Connection) -> bool:
    is_busy: bool = await conn.fetch_value(
        "SELECT EXISTS (SELECT FROM provision_jobs WHERE state = 'running')"
        " OR EXISTS (SELECT FROM blueprint_applications WHERE owner IS NOT NULL AND status = 'running')"
        " OR EXISTS (SELECT FROM webhook_deliveries WHERE owner IS NOT NULL)"
        " OR EXISTS (SELECT FROM pool_instances WHERE NOT is_ready)"
    )
    return is_busy
