"""MySQL: as the tenant's user, bounded in time, rows and bytes.

A statement that defines something commits by itself there, so of several those before a failure stay; it says so.
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
_SECONDS: Final = 30.0  # for all of a query; then its session is ended from outside
_BOUNDS: Final = (
    f"SET SESSION max_statement_time = {_STATEMENT_SECONDS}, innodb_lock_wait_timeout = {_LOCK_SECONDS},"
    f" lock_wait_timeout = {_LOCK_SECONDS}, time_zone = '+00:00'"
)

T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_mysql(services: Services, database: Row) -> AsyncIterator[MysqlRunner]:
    """A runner; each of its steps has a session of its own. Raises SqlFailed."""
    engine = services.engines.of("mysql")
    assert isinstance(engine, MysqlEngine)
    try:
        admin = await engine.server.ensure_running()
    except EngineUnavailableError as down:
        raise SqlError(str(down)) from None
    place = engine.endpoint
    login = ConnectionParams(
        place.host, place.port, database["db_username"], database["db_password"], read_timeout=_SECONDS + 5
    )
    yield MysqlRunner(admin, login, database["db_name"])


class MysqlRunner:
    """See controlplane.queries.runner.Runner."""

    dialect = MYSQL
    split = staticmethod(split)

    def __init__(self, admin: ConnectionParams, login: ConnectionParams, database: str) -> None:
        self._admin = admin
        self._login = login
        self._database = database

    async def schema(self) -> Schema:
        """Every table and view of the database."""
        return await self._do(read_schema)

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """See Runner. Raises Unsafe too: for what is dangerous in MySQL only."""
        reasons = [reason for statement in checked.statements if (reason := forbidden_reason(statement))]
        if reasons:
            raise UnsafeSqlError(reasons)
        texts = [statement.text for statement in checked.statements]
        if checked.kind == "select":
            return await self._do(lambda raw: _select(raw, texts[0], beyond))
        if checked.kind == "write":
            return QueryResult.of_write(await self._do(lambda raw: _change(raw, texts[0])))
        return await self._do(lambda raw: _define(raw, texts))

    async def _do(self, work: Callable[[MysqlConnection], T]) -> T:
        def bounded(raw: MysqlConnection) -> T:
            with Watchdog(self._admin, raw) as watchdog:
                watchdog.end_after(_SECONDS)
                try:
                    execute(raw, _BOUNDS)
                    return work(raw)
                except Error:
                    if watchdog.is_over:
                        raise SqlError(f"the query took longer than {_SECONDS:g} seconds") from None
                    raise
                except (ValueError, LookupError, TypeError, AttributeError):
                    raise SqlError("the query changed the character set of answers: it cannot be read") from None

        try:
            return await run_in_executor(QUERY_EXECUTOR, self._login.run, bounded, self._database)
        except Error as error:
            raise SqlError(message_of(error)) from None


def _select(raw: MysqlConnection, text: str, beyond: str | None) -> QueryResult:
    # A LIMIT of the query's own wins over this one; then the rest stays unread, and closing the connection ends it.
    execute(raw, f"SET SESSION sql_select_limit = {MAX_ROWS + 1}", "START TRANSACTION READ ONLY")
    found, truncated = _fetch(raw, text)
    if beyond is not None and len(found) == MAX_ROWS and not truncated:
        truncated = bool(fetch_all(raw, beyond))
    return QueryResult.of_rows(found, truncated=truncated)


def _fetch(raw: MysqlConnection, text: str) -> tuple[list[dict[str, Any]], bool]:
    """The rows within bounds, and whether there are more."""
    cursor = raw.cursor(SSCursor)
    cursor.execute(text)
    names = [column[0] for column in cursor.description or ()]
    found: list[dict[str, Any]] = []
    size = 0
    while (values := cursor.fetchone()) is not None:
        row = as_json(names, values)
        size += len(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        if len(found) == MAX_ROWS or size > MAX_BYTES:
            raw.close()
            return found, True
        found.append(row)
    return found, False


def _define(raw: MysqlConnection, texts: Sequence[str]) -> QueryResult:
    for number, text in enumerate(texts):
        try:
            execute(raw, text)
        except Error as error:
            stay = f" (of {len(texts)} statements the first {number} were carried out and stay)" if number else ""
            raise SqlError(message_of(error) + stay) from None
    return QueryResult.of_ddl(len(texts))


def _change(raw: MysqlConnection, text: str) -> int:
    raw.begin()
    affected = affected_rows(raw, text)
    raw.commit()
    return affected
