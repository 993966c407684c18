"""Running statements one after the other in one session, knowing what a failure leaves behind (api-facts S25).

A transaction is open from the beginning; statements that define something end it, and the next one begins another. What
was committed on the way is read from the server (`@@in_transaction`), not guessed from the text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pymysql.err import Error, InterfaceError, OperationalError

from controlplane.blueprints.execution import Run, entry
from controlplane.blueprints.mysql.statements import is_transactional, runs_a_procedure
from controlplane.blueprints.splitting import Statement
from controlplane.mysql.sessions import Raw, execute, rows, touched

_LOCK_SECONDS: Final = 10
_DEADLOCK: Final = 1213
_NOT_ROLLED_BACK: Final = 1196
_LOST: Final = frozenset({2006, 2013, 2014, 2055})


Started = Callable[[int], None]
"""Is told the number of each statement, from 1, before it runs."""


@dataclass
class Outcome:
    """What a run did. stayed: statements (counted from 1) up to which nothing can be taken back; 0 = nothing.

    partial: the failed statement may have done a part of its work for good, as DROP TABLE of several does.
    lost: the connection broke, so the failed statement may have been done or not. code: the server's error number.
    """

    run: Run
    stayed: int = 0
    partial: bool = False
    lost: bool = False
    code: int | None = None


def prepare(raw: Raw, statement_seconds: float) -> None:
    """Limits for the session; no transaction is committed by itself."""
    execute(
        raw,
        f"SET SESSION max_statement_time = {statement_seconds:g}, innodb_lock_wait_timeout = {_LOCK_SECONDS},"
        f" lock_wait_timeout = {_LOCK_SECONDS}, autocommit = 0",
    )


def run_statements(
    raw: Raw,
    statements: Sequence[Statement],
    *,
    started: Started = lambda _: None,
    told: Callable[[str], str] = str,
) -> Outcome:
    """Run them until one fails; the last transaction stays open. Blocking.

    started: called with each statement's number (from 1) before it runs. told: makes a server's message presentable.
    """
    outcome = Outcome(Run())
    for index, statement in enumerate(statements):
        started(index + 1)
        began = time.monotonic()
        touched, error = _run_one(raw, statement)
        message = None if error is None else told(message_of(error))
        milliseconds = round((time.monotonic() - began) * 1000)
        outcome.run.log.append(entry(index, statement, touched, milliseconds, message))
        if error is None:
            outcome.run.succeeded += 1
        _see_what_stays(raw, outcome, index + 1, statement, error)
        if error is not None:
            outcome.run.error = message
            return outcome
    return outcome


def _run_one(raw: Raw, statement: Statement) -> tuple[int | None, Error | None]:
    """The rows that it touched, or the error."""
    try:
        return touched(raw, statement.text), None
    except Error as error:
        return None, error


def _see_what_stays(raw: Raw, outcome: Outcome, number: int, statement: Statement, error: Error | None) -> None:
    code = error.args[0] if error is not None and error.args else None
    outcome.code = code
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and code in _LOST):
        outcome.lost = True
        return
    if runs_a_procedure(statement):
        outcome.stayed = number if error is None else number - 1
        outcome.partial = error is not None
        return
    try:
        ended = code != _DEADLOCK and not is_transactional(statement) and not _in_transaction(raw)
    except Error:
        outcome.lost = True
        return
    outcome.partial = error is not None and not is_transactional(statement)
    if ended:
        outcome.stayed = number if error is None else number - 1


def _in_transaction(raw: Raw) -> bool:
    return bool(rows(raw, "SELECT @@in_transaction AS open")[0]["open"])


def roll_back(raw: Raw) -> bool:
    """Take back what can be; False when tables were changed that know no transactions."""
    execute(raw, "ROLLBACK")
    return not any(row["Code"] == _NOT_ROLLED_BACK for row in rows(raw, "SHOW WARNINGS"))


def message_of(error: Error) -> str:
    """The server's own message."""
    if isinstance(error, InterfaceError) or (error.args and error.args[0] in _LOST):
        return "the connection to the database was lost"
    return str(error.args[1] if len(error.args) > 1 else error)
