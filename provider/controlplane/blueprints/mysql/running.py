"""Running one application in a MySQL tenant's database: rehearsed on a clone, then for real (api-facts S23-S25).

Exactly once over kill -9: the last transaction leaves a mark in a table of ours, so whoever takes over knows whether it
was committed. Before each statement that cannot be taken back, its number goes to the application's row: if that is all
there is, the application has failed, and says how far it may have come. Nothing is ever run twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from pymysql.err import Error, IntegrityError, ProgrammingError

from controlplane.blueprints import applications
from controlplane.blueprints.execution import Run
from controlplane.blueprints.mysql import clones, execution
from controlplane.blueprints.mysql.execution import Outcome, message_of, roll_back
from controlplane.blueprints.mysql.splitting import split
from controlplane.blueprints.mysql.statements import is_transactional
from controlplane.blueprints.splitting import Statement
from controlplane.engines import EngineDown
from controlplane.mysql.engine import MysqlEngine, account
from controlplane.mysql.sessions import Login, Raw, execute, identifier, rows
from controlplane.services import Services
from controlplane.store.pool import Row

MARKS: Final = "polykomos_marks"  # underscore: no tenant can choose it
_STATEMENT_SECONDS: Final = 600.0
_UNCHANGED: Final = "Nothing was changed"
_NO_SUCH_TABLE: Final = frozenset({1146, 1049})
_log = logging.getLogger("controlplane.blueprints")

Result = tuple[str, str | None, Run | None]
"""The final status, an error, and what was run if it was anything."""


async def run(services: Services, engine: MysqlEngine, row: Row, database: Row) -> None:
    """Bring an application that this process owns to its end; what the SQL does wrong is recorded, not raised."""
    began = time.monotonic()
    try:
        status, error, done = await _outcome(services, engine, row, database)
    except EngineDown as down:
        status, error, done = "failed", f"{down}. {_UNCHANGED}.", None
        if row["statements_started"] is not None:
            await services.bells.applications.wait(1.0)
            raise  # what became of it can only be seen on the server: the row stays ours, to be looked at again
    async with services.pool.connection() as conn:
        if done is not None:
            milliseconds = round((time.monotonic() - began) * 1000)
            done.error = error
            await applications.record(conn, row["id"], done, milliseconds=milliseconds, xid=None)
        await applications.finish(conn, row["id"], status, services.clock.now(), error=error)
    if row["statements_started"] is not None or not row["is_dry_run"]:
        await engine.run(lambda raw: _forget_mark(raw, row["id"], database["id"]))
    services.bells.applications.ring()


async def _outcome(services: Services, engine: MysqlEngine, row: Row, database: Row) -> Result:
    if row["statements_started"] is not None:
        if await engine.run(lambda raw: _is_marked(raw, row["id"])):
            return "completed", None, None
        if row["statements_started"] > 0:
            return "failed", _interrupted(row), None
    if database["status"] == "deleted":
        return "failed", "the database was deleted", None
    statements = await asyncio.to_thread(split, row["rendered_sql"])
    admin = await engine.server.login()
    rehearsed = await asyncio.to_thread(_rehearse, admin, database["db_name"], statements)
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


def _rehearse(admin: Login, source: str, statements: Sequence[Statement]) -> Outcome:
    """On a copy, by a user who can reach nothing else. Blocking."""
    try:
        with clones.clone(admin, source) as clone, clone.login.opened(clone.name) as raw:
            execution.prepare(raw, _STATEMENT_SECONDS)
            outcome = execution.run_statements(raw, statements, told=lambda text: text.replace(clone.name, source))
            if outcome.run.error is None:
                execute(raw, "COMMIT")
            return outcome
    except Error as error:
        run = Run(error=f"no copy could be made: {message_of(error)}")
        return Outcome(run)


async def _for_real(
    services: Services, engine: MysqlEngine, row: Row, database: Row, statements: Sequence[Statement]
) -> Result:
    loop = asyncio.get_running_loop()
    await engine.run(lambda raw: _make_mark(raw, row["id"], database["id"]))
    can_be_taken_back = all(is_transactional(statement) for statement in statements)
    await _note(services, row["id"], 0)

    def started(number: int) -> None:
        if not can_be_taken_back:
            asyncio.run_coroutine_threadsafe(_note(services, row["id"], number), loop).result()

    place = engine.place
    login = Login(place.host, place.port, database["db_username"], database["db_password"], read_timeout=660.0)
    try:
        return await asyncio.to_thread(_run_all, login, database["db_name"], row["id"], statements, started)
    except Error as error:
        reason = f"the database could not be connected to: {message_of(error)}"
        _log.warning("no connection to a tenant", extra={"facts": {"application": row["id"], "error": reason}})
        return "failed", reason, None


def _run_all(
    login: Login, name: str, application: int, statements: Sequence[Statement], started: execution.Started
) -> Result:
    raw = login.open(name)
    try:
        execution.prepare(raw, _STATEMENT_SECONDS)
        outcome = execution.run_statements(raw, statements, started=started)
        if outcome.run.error is None:
            _commit(raw, application, outcome)
        if outcome.run.error is None:
            return "completed", None, outcome.run
        return _failed(raw, outcome)
    finally:
        raw.close()


def _commit(raw: Raw, application: int, outcome: Outcome) -> None:
    try:
        execute(raw, f"INSERT INTO {_mark(application)} VALUES (1)", "COMMIT")  # noqa: S608 - a number of ours
    except Error as error:
        outcome.run.error = f"the end could not be committed: {message_of(error)}"
        outcome.lost = not isinstance(error, IntegrityError | ProgrammingError)


def _failed(raw: Raw, outcome: Outcome) -> Result:
    """`rolled_back` only when nothing stayed."""
    error = outcome.run.error or ""
    number = len(outcome.run.log)
    if outcome.lost:
        stayed = f"statements 1 to {outcome.stayed} stayed; " if outcome.stayed else ""
        return "failed", f"{error}; {stayed}whether statement {number} was done is not known", outcome.run
    taken_back = roll_back(raw)
    if outcome.stayed:
        which = "statement 1" if outcome.stayed == 1 else f"statements 1 to {outcome.stayed}"
        why = "MySQL commits with every statement that defines something"
        return "failed", f"statement {number} failed: {error}. What {which} did stayed: {why}.", outcome.run
    if not taken_back:
        why = "tables were changed that know no transactions (ENGINE other than InnoDB)"
        return "failed", f"statement {number} failed: {error}. Not all could be rolled back: {why}.", outcome.run
    return "rolled_back", error, outcome.run


async def _note(services: Services, application: int, number: int) -> None:
    async with services.pool.connection() as conn:
        await conn.execute(
            "UPDATE blueprint_applications SET statements_started = %s WHERE id = %s", (number, application)
        )


def _mark(application: int) -> str:
    return f"{identifier(MARKS)}.{identifier(f'run_{int(application)}')}"


def _make_mark(raw: Raw, application: int, number: int) -> None:
    execute(
        raw,
        f"CREATE DATABASE IF NOT EXISTS {identifier(MARKS)}",
        f"CREATE TABLE IF NOT EXISTS {_mark(application)} (one int PRIMARY KEY) ENGINE=InnoDB",
        f"GRANT INSERT ON {_mark(application)} TO {account(number)}",
    )


def _is_marked(raw: Raw, application: int) -> bool:
    try:
        return bool(rows(raw, f"SELECT one FROM {_mark(application)}"))  # noqa: S608 - a number of ours
    except Error as error:
        if error.args[0] in _NO_SUCH_TABLE:
            return False
        raise


def _forget_mark(raw: Raw, application: int, number: int) -> None:
    tables = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    if not rows(raw, tables, MARKS, f"run_{int(application)}"):
        return
    granted = "SELECT 1 FROM mysql.tables_priv WHERE Db = %s AND Table_name = %s"
    if rows(raw, granted, MARKS, f"run_{int(application)}"):
        execute(raw, f"REVOKE INSERT ON {_mark(application)} FROM {account(number)}")
    execute(raw, f"DROP TABLE IF EXISTS {_mark(application)}")
