"""Marks that a run's last transaction was committed, written by that transaction (docs/decisions/0011)."""

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

COMMIT_MARKERS: Final = "polykomos_marks"  # underscore: no tenant can choose it
_PREFIX: Final = "run_"
_NO_SUCH_TABLE: Final = frozenset({1146, 1049})
_NO_SUCH_GRANT: Final = frozenset({1141, 1147})
_LOOK_EVERY: Final = 10.0  # seconds


_log = logging.getLogger("controlplane.blueprints")


async def commit_marker_worker(services: Services) -> None:
    """Forget marks whose application ended, but whose process did not live to forget them; for ever."""
    while True:
        engine = services.engines.get("mysql")
        if isinstance(engine, MysqlEngine) and engine.is_running:
            with contextlib.suppress(EngineUnavailableError):
                await delete_ended(services, engine)
        await services.notifiers.applications.subscribe().wait(_LOOK_EVERY)


async def delete_ended(services: Services, engine: MysqlEngine) -> None:
    """One round. Raises EngineDown."""
    for application in await engine.run(_known):
        async with services.pool.connection() as conn:
            row = await application_store.get(conn, application)
        if row is not None and row["status"] in application_store.TERMINAL_STATUSES:
            try:
                await engine.run(lambda raw, row=row: delete(raw, row["id"], row["database_id"]))  # type: ignore[misc]
            except Error as error:
                _log.error("a mark could not be forgotten", exc_info=error, extra={"facts": {"application": row["id"]}})


def name(application: int) -> str:
    """The mark's table, quoted."""
    return f"{identifier(COMMIT_MARKERS)}.{identifier(f'{_PREFIX}{int(application)}')}"


def create(raw: MysqlConnection, application: int, number: int) -> None:
    """The table, empty: the mark is not set. Tenant `number` may set it."""
    execute(
        raw,
        f"CREATE DATABASE IF NOT EXISTS {identifier(COMMIT_MARKERS)}",
        f"CREATE TABLE IF NOT EXISTS {name(application)} (one int PRIMARY KEY) ENGINE=InnoDB",
        f"GRANT INSERT ON {name(application)} TO {quoted_account(number)}",
    )


def exists(raw: MysqlConnection, application: int) -> bool:
    """Whether the run was committed."""
    try:
        return bool(fetch_all(raw, f"SELECT one FROM {name(application)}"))  # noqa: S608 - a number of ours
    except Error as error:
        if error.args[0] in _NO_SUCH_TABLE:
            return False
        raise


def delete(raw: MysqlConnection, application: int, number: int) -> None:
    """Drop it, and the tenant's right; safe to call again, also while another does the same."""
    granted = "SELECT 1 FROM mysql.tables_priv WHERE Db = %s AND Table_name = %s"
    if fetch_all(raw, granted, COMMIT_MARKERS, f"{_PREFIX}{int(application)}"):
        try:
            execute(raw, f"REVOKE INSERT ON {name(application)} FROM {quoted_account(number)}")
        except Error as error:
            if error.args[0] not in _NO_SUCH_GRANT:
                raise
    execute(raw, f"DROP TABLE IF EXISTS {name(application)}")


def _known(raw: MysqlConnection) -> list[int]:
    tables = "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    return [int(row["name"].removeprefix(_PREFIX)) for row in fetch_all(raw, tables, COMMIT_MARKERS)]
