"""Commit markers in MySQL: rows that the last transaction of an application writes (docs/decisions/0011)."""

from __future__ import annotations

import contextlib
import logging
from typing import Final

from pymysql.err import Error

from controlplane.blueprints import application_store
from controlplane.engines.base import EngineUnavailableError
from controlplane.engines.mysql.connection import MysqlConnection, execute, fetch_all, identifier
from controlplane.engines.mysql.engine import MysqlEngine, quoted_account
from controlplane.services import Services

COMMIT_MARKERS: Final = "polykomos_marks"  # with an underscore, so that no tenant can choose the name
_PREFIX: Final = "run_"
_NO_SUCH_TABLE: Final = frozenset({1146, 1049})
_NO_SUCH_GRANT: Final = frozenset({1141, 1147})
_LOOK_EVERY: Final = 10.0  # seconds

_log = logging.getLogger("controlplane.blueprints")


async def commit_marker_worker(services: Services) -> None:
    """Delete the markers of ended applications that a killed process left, until cancelled."""
    while True:
        engine = services.engines.get("mysql")
        if isinstance(engine, MysqlEngine) and engine.is_running:
            with contextlib.suppress(EngineUnavailableError):
                await delete_ended(services, engine)
        await services.notifiers.applications.subscribe().wait(_LOOK_EVERY)


async def delete_ended(services: Services, engine: MysqlEngine) -> None:
    """Delete the markers of all ended applications. Raise EngineUnavailableError if MySQL is not available."""
    for application in await engine.run(_list_applications):
        async with services.pool.connection() as conn:
            row = await application_store.get(conn, application)
        if row is not None and row["status"] in application_store.TERMINAL_STATUSES:
            try:
                await engine.run(lambda raw, row=row: delete(raw, row["id"], row["database_id"]))  # type: ignore[misc]
            except Error as error:
                facts = {"application": row["id"]}
                _log.error("a commit marker could not be deleted", exc_info=error, extra={"facts": facts})


def name(application: int) -> str:
    """Return the quoted name of the marker's table."""
    return f"{identifier(COMMIT_MARKERS)}.{identifier(f'{_PREFIX}{int(application)}')}"


def create(raw: MysqlConnection, application: int, number: int) -> None:
    """Create the marker's table, empty: the marker is not set. The tenant of database `number` may set it."""
    execute(
        raw,
        f"CREATE DATABASE IF NOT EXISTS {identifier(COMMIT_MARKERS)}",
        f"CREATE TABLE IF NOT EXISTS {name(application)} (one int PRIMARY KEY) ENGINE=InnoDB",
        f"GRANT INSERT ON {name(application)} TO {quoted_account(number)}",
    )


def exists(raw: MysqlConnection, application: int) -> bool:
    """Return whether the marker is set: the application was committed."""
    try:
        return bool(fetch_all(raw, f"SELECT one FROM {name(application)}"))  # noqa: S608 - an integer
    except Error as error:
        if error.args[0] in _NO_SUCH_TABLE:
            return False
        raise


def delete(raw: MysqlConnection, application: int, number: int) -> None:
    """Drop the marker's table and revoke the tenant's privilege. It may be called again, also concurrently."""
    granted = "SELECT 1 FROM mysql.tables_priv WHERE Db = %s AND Table_name = %s"
    if fetch_all(raw, granted, COMMIT_MARKERS, f"{_PREFIX}{int(application)}"):
        try:
            execute(raw, f"REVOKE INSERT ON {name(application)} FROM {quoted_account(number)}")
        except Error as error:
            if error.args[0] not in _NO_SUCH_GRANT:
                raise
    execute(raw, f"DROP TABLE IF EXISTS {name(application)}")


def _list_applications(raw: MysqlConnection) -> list[int]:
    tables = "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    return [int(row["name"].removeprefix(_PREFIX)) for row in fetch_all(raw, tables, COMMIT_MARKERS)]
