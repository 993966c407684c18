"""Running one application in a MySQL tenant's database: rehearsed on a clone, then for real (api-facts S23-S25).

Exactly once over kill -9: the last transaction leaves a mark in a table of ours, so whoever takes over knows whether it
was committed. Before each statement that cannot be taken back, its number goes to the application's row: if that is all
there is, the application has failed, and says how far it may have come. Nothing is ever run twice.
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
"""The final status, an error, and what was run if it was anything."""


async def run_application(services: Services, engine: MysqlEngine, row: Row, database: Row) -> None:
    """Bring an application that this process owns to its end; what the SQL does wrong is recorded, not raised."""
    began = time.monotonic()
    while True:
        try:
            status, error, done = await _outcome(services, engine, row, database)
        except EngineUnavailableError as down:
            if row["statements_started"] is not None:
                # What became of it can only be seen on the server.
                _log.warning("waiting for MariaDB", extra={"facts": {"application": row["id"], "error": str(down)}})
                await services.notifiers.applications.wait(1.0)
                continue
            status, error, done = "failed", f"{down}. {_UNCHANGED}.", None
        break
    async with services.pool.connection() as conn:
        if done is not None:
            milliseconds = round((time.monotonic() - began) * 1000)
            done.error = error
            await application_store.record(conn, row, done, milliseconds=milliseconds, xid=None)
        await application_store.finish(conn, row, status, services.clock.now(), error=error)
    services.notifiers.applications.notify()
    if not row["is_dry_run"] and engine.is_running:
        with contextlib.suppress(EngineUnavailableError):  # the worker of marks will
            await engine.run(lambda raw: mysql_commit_markers.delete(raw, row["id"], database["id"]))


async def given_up(engine: MysqlEngine, row: Row, reason: str) -> tuple[str, str | None]:
    """The status, and an error, of one that cannot be run for `reason`. Raises EngineDown."""
    if row["statements_started"] is None:
        return "failed", f"{reason} {_UNCHANGED}."
    if await engine.run(lambda raw: mysql_commit_markers.exists(raw, row["id"])):
        return "completed", None
    return "failed", f"{reason} {_interrupted(row)}" if row["statements_started"] else f"{reason} {_UNCHANGED}."


async def _outcome(services: Services, engine: MysqlEngine, row: Row, database: Row) -> Result:
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
    rehearsed = await run_in_executor(
        BLUEPRINT_EXECUTOR, lambda: _rehearse(admin, database["db_name"], statements, may_write=may_write)
    )
    if rehearsed.run.error is not None:
        if not row["is_dry_run"]:
            rehearsed.run.succeeded = 0  # of what counts, nothing was run
        number = len(rehearsed.run.log)
        told = f"In the rehearsal on a copy statement {number} failed: {rehearsed.run.error}. {_UNCHANGED}."
        return "failed", told, rehearsed.run
    if row["is_dry_run"]:
        return "completed", None, rehearsed.run
    return await _for_real(services, engine, row, database, statements)


def _interrupted(row: Row) -> str:
    number = row["statements_started"]
    before = f"the {number - 1} before it stayed, and " if number > 1 else ""
    return f"The control plane was ended while statement {number} ran: {before}whether it was done itself is not known."


def _rehearse(
    admin: ConnectionParams, source: str, statements: Sequence[Statement], *, may_write: bool
) -> MysqlRunResult:
    """On a copy, by a user who can reach nothing else. Blocking."""
    try:
        with (
            clones.clone(admin, source, may_write=may_write) as clone,
            clone.login.opened(clone.name) as raw,
            Watchdog(admin, raw) as watchdog,
        ):
            session = MysqlSession(raw, watchdog, _STATEMENT_SECONDS)
            outcome = statement_runner.run_statements(
                session, statements, told=lambda text: text.replace(clone.name, source)
            )
            if outcome.run.error is None:
                session.pin()
                execute(raw, "COMMIT")
            return outcome
    except Error as error:
        run = StatementLog(error=f"no copy could be made: {message_of(error)}")
        return MysqlRunResult(run)


async def _for_real(
    services: Services, engine: MysqlEngine, row: Row, database: Row, statements: Sequence[Statement]
) -> Result:
    loop = asyncio.get_running_loop()
    await engine.run(lambda raw: mysql_commit_markers.create(raw, row["id"], database["id"]))
    can_be_taken_back = all(is_transactional(statement) for statement in statements)
    await _note(services, row, 0)

    def started(number: int) -> None:
        if not can_be_taken_back:
            asyncio.run_coroutine_threadsafe(_note(services, row, number), loop).result()

    admin = await engine.server.ensure_running()
    place = engine.endpoint
    login = ConnectionParams(
        place.host, place.port, database["db_username"], database["db_password"], read_timeout=660.0
    )
    try:
        raw = await asyncio.to_thread(login.open, database["db_name"])
    except Error as error:
        reason = f"the database could not be connected to: {message_of(error)}"
        _log.warning("no connection to a tenant", extra={"facts": {"application": row["id"], "error": reason}})
        return "failed", f"{reason}. {_UNCHANGED}.", None
    result = await run_in_executor(BLUEPRINT_EXECUTOR, _run_all, admin, raw, row["id"], statements, started)
    # Its end may have been done though the connection broke before the answer.
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
            outcome = statement_runner.run_statements(session, statements, started=started)
            if outcome.run.error is None:
                _commit(session, application, outcome)
            if outcome.run.error is None:
                return "completed", None, outcome.run
            return _failed(session, outcome)
    finally:
        raw.close()


def _commit(session: MysqlSession, application: int, outcome: MysqlRunResult) -> None:
    try:
        session.pin()
        execute(session.raw, f"INSERT INTO {mysql_commit_markers.name(application)} VALUES (1)", "COMMIT")  # noqa: S608 - our number
    except Error as error:
        outcome.run.error = f"the end could not be committed: {message_of(error)}"
        outcome.lost = not isinstance(error, IntegrityError | ProgrammingError)


def _failed(session: MysqlSession, outcome: MysqlRunResult) -> Result:
    """`rolled_back` only when nothing stayed."""
    error = outcome.run.error or ""
    number = len(outcome.run.log)
    if outcome.lost:
        stayed = f"statements 1 to {outcome.stayed} stayed; " if outcome.stayed else ""
        return "failed", f"{error}; {stayed}whether statement {number} was done is not known", outcome.run
    try:
        taken_back = session.roll_back()
    except Error:
        taken_back = False
    if outcome.partial and not outcome.stayed:
        return "failed", f"statement {number} failed: {error}. It may have been done in part.", outcome.run
    if outcome.stayed:
        which = "statement 1" if outcome.stayed == 1 else f"statements 1 to {outcome.stayed}"
        why = "MySQL commits with every statement that defines something"
        return "failed", f"statement {number} failed: {error}. What {which} did stayed: {why}.", outcome.run
    if not taken_back:
        why = "tables were changed that know no transactions (ENGINE other than InnoDB)"
        return "failed", f"statement {number} failed: {error}. Not all could be rolled back: {why}.", outcome.run
    return "rolled_back", error, outcome.run


async def _note(services: Services, row: Row, number: int) -> None:
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "UPDATE blueprint_applications SET statements_started = %s WHERE id = %s AND owner = %s",
            (number, row["id"], row["owner"]),
        )
        if not cursor.rowcount:
            raise application_store.LostOwnershipError
