"""Run one application in a MySQL tenant's database: a dry run on a clone, then the real run (api-facts S23-S25).

Exactly once, also if the process is killed: the last transaction sets a commit marker, so the process that takes over
knows whether it was committed. Before each statement that cannot be rolled back, its number is written to the
application's row. If there is a number but no marker, the application has failed, and its message says how far it may
have come. No statement is run twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Final

from pymysql.err import Error, IntegrityError, ProgrammingError

from controlplane.blueprints import application_store, mysql_commit_markers
from controlplane.blueprints.mysql import clones, statement_runner
from controlplane.blueprints.mysql.splitter import split
from controlplane.blueprints.mysql.statement_policy import is_transactional
from controlplane.blueprints.mysql.statement_runner import MysqlRunResult, MysqlSession, message_of
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_runner import StatementLog
from controlplane.db.pool import Row
from controlplane.engines.base import EngineUnavailableError
from controlplane.engines.mysql.connection import (
    BLUEPRINT_EXECUTOR,
    ConnectionParams,
    MysqlConnection,
    Watchdog,
    execute,
    run_in_executor,
)
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.services import Services

_STATEMENT_SECONDS: Final = 600.0
_UNCHANGED: Final = "Nothing was changed"
_log = logging.getLogger("controlplane.blueprints")

Result = tuple[str, str | None, StatementLog | None]
"""The final status, an error, and the statement log if any statement was run."""


async def run_application(services: Services, engine: MysqlEngine, row: Row, database: Row) -> None:
    """Run an application that this process owns until it has ended. An error of the SQL is recorded, not raised."""
    began = time.monotonic()
    while True:
        try:
            status, error, log = await _run(services, engine, row, database)
        except EngineUnavailableError as down:
            if row["statements_started"] is not None:
                # Only the server knows whether the application was committed.
                _log.warning("waiting for MariaDB", extra={"facts": {"application": row["id"], "error": str(down)}})
                await services.notifiers.applications.wait(1.0)
                continue
            status, error, log = "failed", f"{down}. {_UNCHANGED}.", None
        break
    async with services.pool.connection() as conn:
        if log is not None:
            milliseconds = round((time.monotonic() - began) * 1000)
            log.error = error
            await application_store.record(conn, row, log, milliseconds=milliseconds, xid=None)
        await application_store.finish(conn, row, status, services.clock.now(), error=error)
    services.notifiers.applications.notify()
    if not row["is_dry_run"] and engine.is_running:
        with contextlib.suppress(EngineUnavailableError):  # commit_marker_worker does it later
            await engine.run(lambda raw: mysql_commit_markers.delete(raw, row["id"], database["id"]))


async def status_when_given_up(engine: MysqlEngine, row: Row, reason: str) -> tuple[str, str | None]:
    """Return the final status, and an error, of an application that is given up.

    `reason` is a sentence.

    Raises:
        EngineUnavailableError: MySQL is not available, so the status is unknown.
    """
    if row["statements_started"] is None:
        return "failed", f"{reason} {_UNCHANGED}."
    if await engine.run(lambda raw: mysql_commit_markers.exists(raw, row["id"])):
        return "completed", None
    return "failed", f"{reason} {_interrupted(row)}" if row["statements_started"] else f"{reason} {_UNCHANGED}."


async def _run(services: Services, engine: MysqlEngine, row: Row, database: Row) -> Result:
    if row["statements_started"] is not None:
        if await engine.run(lambda raw: mysql_commit_markers.exists(raw, row["id"])):
            return "completed", None, None
        if row["statements_started"] > 0:
            return "failed", _interrupted(row), None
    if database["status"] == "deleted":
        return "failed", "the database was deleted", None
    statements = await asyncio.to_thread(split, row["rendered_sql"])
    admin = await engine.server.ensure_running()
    may_write = not database["writes_stopped"]
    tried = await run_in_executor(
        BLUEPRINT_EXECUTOR, lambda: _dry_run(admin, database["db_name"], statements, may_write=may_write)
    )
    if tried.run.error is not None:
        if not row["is_dry_run"]:
            tried.run.succeeded = 0  # none was run in the tenant's database
        number = len(tried.run.log)
        message = f"In the dry run on a copy statement {number} failed: {tried.run.error}. {_UNCHANGED}."
        return "failed", message, tried.run
    if row["is_dry_run"]:
        return "completed", None, tried.run
    return await _run_in_tenant(services, engine, row, database, statements)


def _interrupted(row: Row) -> str:
    number = row["statements_started"]
    before = f"the {number - 1} before it are committed, and " if number > 1 else ""
    return f"The control plane ended while statement {number} ran: {before}whether it was carried out is unknown."


def _dry_run(
    admin: ConnectionParams, source: str, statements: Sequence[Statement], *, may_write: bool
) -> MysqlRunResult:
    """Run the statements on a copy, as a user with access to the copy only. Blocking."""
    try:
        with (
            clones.clone(admin, source, may_write=may_write) as clone,
            clone.login.opened(clone.name) as raw,
            Watchdog(admin, raw) as watchdog,
        ):
            session = MysqlSession(raw, watchdog, _STATEMENT_SECONDS)
            result = statement_runner.run_statements(
                session, statements, to_message=lambda text: text.replace(clone.name, source)
            )
            if result.run.error is None:
                session.pin()
                execute(raw, "COMMIT")
            return result
    except Error as error:
        run = StatementLog(error=f"the database could not be copied: {message_of(error)}")
        return MysqlRunResult(run)


async def _run_in_tenant(
    services: Services, engine: MysqlEngine, row: Row, database: Row, statements: Sequence[Statement]
) -> Result:
    loop = asyncio.get_running_loop()
    await engine.run(lambda raw: mysql_commit_markers.create(raw, row["id"], database["id"]))
    can_roll_back = all(is_transactional(statement) for statement in statements)
    await _record_started(services, row, 0)

    def started(number: int) -> None:
        if not can_roll_back:
            asyncio.run_coroutine_threadsafe(_record_started(services, row, number), loop).result()

    admin = await engine.server.ensure_running()
    endpoint = engine.endpoint
    login = ConnectionParams(
        endpoint.host, endpoint.port, database["db_username"], database["db_password"], read_timeout=660.0
    )
    try:
        raw = await asyncio.to_thread(login.open, database["db_name"])
    except Error as error:
        reason = f"the database could not be connected to: {message_of(error)}"
        _log.warning("no connection to a tenant", extra={"facts": {"application": row["id"], "error": reason}})
        return "failed", f"{reason}. {_UNCHANGED}.", None
    result = await run_in_executor(BLUEPRINT_EXECUTOR, _run_all, admin, raw, row["id"], statements, started)
    # The commit may have been carried out although the connection broke before its response.
    if result[0] == "failed" and await engine.run(lambda admin: mysql_commit_markers.exists(admin, row["id"])):
        return "completed", None, result[2]
    return result


def _run_all(
    admin: ConnectionParams,
    raw: MysqlConnection,
    application: int,
    statements: Sequence[Statement],
    started: statement_runner.Started,
) -> Result:
    try:
        with Watchdog(admin, raw) as watchdog:
            session = MysqlSession(raw, watchdog, _STATEMENT_SECONDS)
            result = statement_runner.run_statements(session, statements, started=started)
            if result.run.error is None:
                _commit(session, application, result)
            if result.run.error is None:
                return "completed", None, result.run
            return _failed(session, result)
    finally:
        raw.close()


def _commit(session: MysqlSession, application: int, result: MysqlRunResult) -> None:
    try:
        session.pin()
        execute(session.raw, f"INSERT INTO {mysql_commit_markers.name(application)} VALUES (1)", "COMMIT")  # noqa: S608 - an integer
    except Error as error:
        result.run.error = f"the last transaction could not be committed: {message_of(error)}"
        result.lost = not isinstance(error, IntegrityError | ProgrammingError)


def _failed(session: MysqlSession, result: MysqlRunResult) -> Result:
    """Roll back, and return the result of a failed run: `rolled_back` only if no change remains."""
    error = result.run.error or ""
    number = len(result.run.log)
    if result.lost:
        committed = f"statements 1 to {result.stayed} are committed; " if result.stayed else ""
        return "failed", f"{error}; {committed}whether statement {number} was carried out is unknown", result.run
    try:
        rolled_back = session.roll_back()
    except Error:
        rolled_back = False
    if result.partial and not result.stayed:
        return "failed", f"statement {number} failed: {error}. It may have been carried out in part.", result.run
    if result.stayed:
        which = "statement 1 is" if result.stayed == 1 else f"statements 1 to {result.stayed} are"
        why = "MySQL commits with every DDL statement"
        return "failed", f"statement {number} failed: {error}. The changes of {which} committed: {why}.", result.run
    if not rolled_back:
        why = "it changed tables without transactions (ENGINE other than InnoDB)"
        return "failed", f"statement {number} failed: {error}. Not all could be rolled back: {why}.", result.run
    return "rolled_back", error, result.run


async def _record_started(services: Services, row: Row, number: int) -> None:
    """Record that statement `number` (from 1) begins. Raise LostOwnershipError if another process has taken over."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "UPDATE blueprint_applications SET statements_started = %s WHERE id = %s AND owner = %s",
            (number, row["id"], row["owner"]),
        )
        if not cursor.rowcount:
            raise application_store.LostOwnershipError
