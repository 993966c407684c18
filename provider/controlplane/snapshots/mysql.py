"""Save and restore one MySQL tenant's database, object by object. Its sessions are ended."""

from __future__ import annotations

from collections.abc import Callable

from controlplane.blueprints.mysql import clones
from controlplane.db.pool import Connection, Row
from controlplane.engines.mysql.connection import MysqlConnection, execute, fetch_all, identifier
from controlplane.engines.mysql.engine import MysqlEngine, quoted_account
from controlplane.plans import Plans, effective_quotas


async def save(engine: MysqlEngine, conn: Connection, row: Row, copy: str) -> None:
    """Copy the database.

    Raises:
        EngineUnavailableError: The server cannot be reached.
    """
    await engine.revoke_access(conn, row)
    try:
        await engine.terminate_sessions(row)
        # The tenant has no access to the copy. A view can be read back only if its definer has access.
        await engine.run(lambda raw: _copy(raw, row["db_name"], copy, "CURRENT_USER"))
    finally:
        if row["deleted_at"] is None:
            await engine.restore_access(conn, row)


async def restore(engine: MysqlEngine, plans: Plans, conn: Connection, row: Row, copy: str) -> None:
    """Create the database of a row from its copy.

    Raises:
        EngineUnavailableError: The server cannot be reached.
    """
    await engine.provision(row["id"], _unwatched)
    await engine.assign(conn, row, effective_quotas(row, plans).connection_hard_limit)
    await engine.revoke_access(conn, row)
    await engine.run(lambda raw: _copy(raw, copy, row["db_name"], quoted_account(row["id"])))
    if row["writes_stopped"]:
        await engine.block_writes(row)
    if row["deleted_at"] is None:
        await engine.restore_access(conn, row)


async def locked_out(engine: MysqlEngine) -> list[str]:
    """Return the names of locked users.

    Raises:
        EngineUnavailableError: The server cannot be reached.
    """
    query = "SELECT User AS name FROM mysql.global_priv WHERE json_value(Priv, '$.account_locked')"
    return [row["name"] for row in await engine.run(lambda raw: fetch_all(raw, query))]


async def drop(engine: MysqlEngine, is_dropped: Callable[[str], bool]) -> None:
    """Drop copies by their names.

    Raises:
        EngineUnavailableError: The server cannot be reached.
    """

    def drop_all(raw: MysqlConnection) -> None:
        for row in fetch_all(raw, "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA"):
            if is_dropped(row["name"]):
                execute(raw, f"DROP DATABASE {identifier(row['name'])}")

    await engine.run(drop_all)


def _copy(raw: MysqlConnection, source: str, target: str, owner: str) -> None:
    execute(
        raw,
        f"DROP DATABASE IF EXISTS {identifier(target)}",
        f"CREATE DATABASE {identifier(target)}",
        "SET SESSION foreign_key_checks = 0",
    )
    clones.copy(raw, source, target, owner, most_bytes=None)


async def _unwatched(step: str) -> None:
    """Ignore the steps of a restore."""
