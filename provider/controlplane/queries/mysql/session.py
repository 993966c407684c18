"""Queries in MySQL: as the tenant's user, with limits of time, rows and bytes.

MySQL commits each DDL statement. If one of several fails, the ones before it stay, and the error says so.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeVar

from pymysql.cursors import SSCursor
from pymysql.err import Error

from controlplane.blueprints.dialects import MYSQL
from controlplane.blueprints.mysql.splitter import split
from controlplane.blueprints.mysql.statement_policy import forbidden_reason
from controlplane.blueprints.mysql.statement_runner import message_of
from controlplane.db.pool import Row
from controlplane.engines.base import EngineUnavailableError
from controlplane.engines.mysql.connection import (
    QUERY_EXECUTOR,
    ConnectionParams,
    MysqlConnection,
    Watchdog,
    affected_rows,
    execute,
    fetch_all,
    run_in_executor,
)
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.queries.errors import SqlError, UnsafeSqlError
from controlplane.queries.mysql.rows import as_json
from controlplane.queries.mysql.schema import read_schema
from controlplane.queries.runner import MAX_BYTES, MAX_ROWS, QueryResult
from controlplane.queries.safety import SafeSql
from controlplane.queries.schema import Schema
from controlplane.services import Services

_STATEMENT_SECONDS: Final = 15
_LOCK_SECONDS: Final = 5
_SECONDS: Final = 30.0  # for the whole query; after that its session is ended from outside
_LIMITS: Final = (
    f"SET SESSION max_statement_time = {_STATEMENT_SECONDS}, innodb_lock_wait_timeout = {_LOCK_SECONDS},"
    f" lock_wait_timeout = {_LOCK_SECONDS}, time_zone = '+00:00'"
)

T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_mysql(services: Services, database: Row) -> AsyncIterator[MysqlRunner]:
    """Provide a runner for one query. Each of its calls opens a session.

    Raises:
        SqlError: The server is not available.
    """
    engine = services.engines.of("mysql")
    assert isinstance(engine, MysqlEngine)
    try:
        admin = await engine.server.ensure_running()
    except EngineUnavailableError as down:
        raise SqlError(str(down)) from None
    endpoint = engine.endpoint
    login = ConnectionParams(
        endpoint.host, endpoint.port, database["db_username"], database["db_password"], read_timeout=_SECONDS + 5
    )
    yield MysqlRunner(admin, login, database["db_name"])


class MysqlRunner:
    """The Runner of MySQL."""

    dialect = MYSQL
    split = staticmethod(split)

    def __init__(self, admin: ConnectionParams, login: ConnectionParams, database: str) -> None:
        self._admin = admin
        self._login = login
        self._database = database

    async def schema(self) -> Schema:
        """Return the tables and views of the database."""
        return await self._in_session(read_schema)

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """Run SQL that passed the safety check, if MySQL's own rules allow it too (see Runner)."""
        reasons = [reason for statement in checked.statements if (reason := forbidden_reason(statement))]
        if reasons:
            raise UnsafeSqlError(reasons)
        texts = [statement.text for statement in checked.statements]
        if checked.kind == "select":
            return await self._in_session(lambda raw: _select(raw, texts[0], beyond))
        if checked.kind == "write":
            return QueryResult.of_write(await self._in_session(lambda raw: _write(raw, texts[0])))
        return await self._in_session(lambda raw: _run_ddl(raw, texts))

    async def _in_session(self, work: Callable[[MysqlConnection], T]) -> T:
        """Call `work` with a new session, within the limits. Raise SqlError on failure."""

        def limited(raw: MysqlConnection) -> T:
            with Watchdog(self._admin, raw) as watchdog:
                watchdog.end_after(_SECONDS)
                try:
                    execute(raw, _LIMITS)
                    return work(raw)
                except Error:
                    if watchdog.is_over:
                        raise SqlError(f"the query took longer than {_SECONDS:g} seconds") from None
                    raise
                except (ValueError, LookupError, TypeError, AttributeError):
                    raise SqlError("the query changed the character set of results, so they cannot be read") from None

        try:
            return await run_in_executor(QUERY_EXECUTOR, self._login.run, limited, self._database)
        except Error as error:
            raise SqlError(message_of(error)) from None


def _select(raw: MysqlConnection, text: str, beyond: str | None) -> QueryResult:
    # A LIMIT in the query overrides this one. Then the further rows stay unread, and closing the connection ends it.
    execute(raw, f"SET SESSION sql_select_limit = {MAX_ROWS + 1}", "START TRANSACTION READ ONLY")
    rows, truncated = _fetch(raw, text)
    if beyond is not None and len(rows) == MAX_ROWS and not truncated:
        truncated = bool(fetch_all(raw, beyond))
    return QueryResult.of_rows(rows, truncated=truncated)


def _fetch(raw: MysqlConnection, text: str) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows within the limits, and whether there are more."""
    cursor = raw.cursor(SSCursor)
    cursor.execute(text)
    names = [column[0] for column in cursor.description or ()]
    rows: list[dict[str, Any]] = []
    size = 0
    while (values := cursor.fetchone()) is not None:
        row = as_json(names, values)
        size += len(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        if len(rows) == MAX_ROWS or size > MAX_BYTES:
            raw.close()
            return rows, True
        rows.append(row)
    return rows, False


def _run_ddl(raw: MysqlConnection, texts: Sequence[str]) -> QueryResult:
    for number, text in enumerate(texts):
        try:
            execute(raw, text)
        except Error as error:
            committed = f" (of {len(texts)} statements the first {number} are committed)" if number else ""
            raise SqlError(message_of(error) + committed) from None
    return QueryResult.of_ddl(len(texts))


def _write(raw: MysqlConnection, text: str) -> int:
    raw.begin()
    affected = affected_rows(raw, text)
    raw.commit()
    return affected
