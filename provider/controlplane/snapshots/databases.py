"""Save and restore the tenants' databases of every engine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import sql

from controlplane.db.pool import Connection, Row
from controlplane.engines.base import EngineUnavailableError
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.engines.postgres import tenants
from controlplane.http.errors import ApiError
from controlplane.services import Services
from controlplane.snapshots import mysql, postgres, tables

_COPY: Final = re.compile(r"snapshot_([0-9]+)_[0-9]+")
_HAS_MYSQL: Final = sql.SQL("SELECT EXISTS (SELECT FROM {}.databases WHERE db_type = 'mysql' AND destroyed_at IS NULL)")


def copy_name(snapshot: int, database: int) -> str:
    """Return the name of a copy on its server. No tenant can choose a name with an underscore."""
    return f"snapshot_{snapshot}_{database}"


def snapshot_of(name: str) -> int | None:
    """Return the snapshot of a copy, or None if the database is no copy."""
    match = _COPY.fullmatch(name)
    return None if match is None else int(match[1])


async def existing(conn: Connection) -> list[Row]:
    """Return the databases that exist: assigned and not destroyed, including deleted ones in their grace."""
    return await conn.fetch_all("SELECT * FROM databases WHERE is_assigned AND destroyed_at IS NULL ORDER BY id")


async def save(services: Services, conn: Connection, server: Connection, snapshot: int, rows: Sequence[Row]) -> None:
    """Copy each database.

    `server` is an autocommit connection, `conn` that of the snapshot's transaction.

    Raises:
        ApiError: 503 `engine_unavailable`.
    """
    for row in rows:
        copy = copy_name(snapshot, row["id"])
        if row["db_type"] == MysqlEngine.value:
            with _mysql(services) as engine:
                await mysql.save(engine, conn, row, copy)
        else:
            await postgres.save(server, row, copy)


async def destroy_all(services: Services, conn: Connection, server: Connection) -> None:
    """Drop every instance, including those of the warm pool and incomplete ones.

    Raises:
        ApiError: 503 `engine_unavailable`.
    """
    for row in await conn.fetch_all("SELECT * FROM databases WHERE destroyed_at IS NULL"):
        if row["db_type"] == MysqlEngine.value:
            with _mysql(services) as engine:
                await engine.destroy(row)
        else:
            await tenants.destroy(server, row["id"], row["db_name"] if row["is_assigned"] else None)
    # MySQL's pool consists of locked users. They stay, and are used again.
    for row in await conn.fetch_all("SELECT id FROM pool_instances WHERE db_type = 'postgres'"):
        await tenants.destroy(server, row["id"], None)


async def restore(services: Services, conn: Connection, server: Connection, snapshot: int) -> None:
    """Create the databases of the rows in `conn` from their copies.

    Raises:
        ApiError: 503 `engine_unavailable`.
    """
    for row in await existing(conn):
        copy = copy_name(snapshot, row["id"])
        if row["db_type"] == MysqlEngine.value:
            with _mysql(services) as engine:
                await mysql.restore(engine, services.plans, conn, row, copy)
        else:
            await postgres.restore(services, conn, server, row, copy)


async def drop(services: Services, server: Connection, snapshot: int) -> None:
    """Drop the copies of a snapshot.

    Raises:
        ApiError: 503 `engine_unavailable`.
    """

    def is_its(name: str) -> bool:
        return snapshot_of(name) == snapshot

    await postgres.drop(server, is_its)
    if await server.fetch_value(_HAS_MYSQL.format(sql.Identifier(tables.schema_of(snapshot)))):
        with _mysql(services) as engine:
            await mysql.drop(engine, is_its)


async def ensure_mysql_running(services: Services, conn: Connection, snapshot: int | None = None) -> None:
    """Start MariaDB if it has databases of ours or of a snapshot: it cannot be started while our tables are locked.

    Raises:
        ApiError: 503 `engine_unavailable`.
    """
    for schema in ("public", *([] if snapshot is None else [tables.schema_of(snapshot)])):
        if await conn.fetch_value(_HAS_MYSQL.format(sql.Identifier(schema))):
            with _mysql(services) as engine:
                await engine.server.ensure_running()


@contextlib.contextmanager
def _mysql(services: Services) -> Iterator[MysqlEngine]:
    engine = services.engines.of(MysqlEngine.value)
    assert isinstance(engine, MysqlEngine)
    try:
        yield engine
    except EngineUnavailableError as down:
        raise ApiError(
            503,
            "engine_unavailable",
            f"MySQL databases are part of the state, but {down}. Try again when the server runs.",
        ) from None
