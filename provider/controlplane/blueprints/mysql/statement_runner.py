"""Run statements one after the other in one session, and track what a failure leaves committed (api-facts S25).

A transaction is open from the beginning. A DDL statement ends it, and the next statement begins another. The server's
status in each response shows what was committed; the text is not used for that.

A procedure of the tenant can change the settings of the session, so `MysqlSession.pin` sets them again before each
statement. A handler may catch the time-out of a statement, so the session is ended from outside after that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from pymysql.err import Error, InterfaceError, OperationalError, ProgrammingError

from controlplane.blueprints.mysql.session_settings import forbidden_modes, is_utf8_already
from controlplane.blueprints.mysql.statement_policy import is_transactional, may_commit_inside
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_runner import StatementLog, log_entry
from controlplane.engines.mysql.connection import MysqlConnection, Watchdog, affected_rows, execute, fetch_all

_LOCK_SECONDS: Final = 10
_GRACE_SECONDS: Final = 5.0  # for the server's time-out, before the session is ended from outside
_DEADLOCK: Final = 1213
_NOT_ROLLED_BACK: Final = 1196
_LOST: Final = frozenset({1053, 1927, 2006, 2013, 2014, 2055})
# A blueprint may set collation_connection to another collation of UTF-8, so that one is not reset.
_PINNED: Final = (
    "autocommit = 0, tx_read_only = 0, character_set_client = utf8mb4, character_set_results = utf8mb4,"
    " collation_connection ="
    " IF(@@character_set_connection = 'utf8mb4', @@collation_connection, 'utf8mb4_general_ci'),"
    " sql_select_limit = DEFAULT, max_error_count = 64, completion_type = NO_CHAIN, wait_timeout = 3600,"
    " idle_transaction_timeout = 0, idle_write_transaction_timeout = 0, idle_readonly_transaction_timeout = 0,"
    f" innodb_lock_wait_timeout = {_LOCK_SECONDS}, lock_wait_timeout = {_LOCK_SECONDS}"
)

Started = Callable[[int], None]
"""A function to call with the number of each statement, from 1, before it runs."""


class UnreadableError(InterfaceError):
    """The server's response cannot be read, because the statement changed the character set of results."""


@dataclass
class MysqlRunResult:
    """The result of a run."""

    run: StatementLog
    stayed: int = 0  # statements (counted from 1) up to this one are committed; 0: none
    partial: bool = False  # a part of the failed statement may be committed, as with DROP TABLE of several tables
    lost: bool = False  # the connection broke, so it is unknown whether the failed statement was carried out
    code: int | None = None  # the server's error number


@dataclass
class MysqlSession:
    """A session for a tenant's SQL, without autocommit. Its methods raise pymysql.err.Error."""

    raw: MysqlConnection
    watchdog: Watchdog
    seconds: float  # limit of each statement

    def pin(self) -> None:
        """Set the settings that the control plane depends on."""
        execute(self.raw, f"SET SESSION max_statement_time = {max(self.seconds, 0.001):.3f}, {_PINNED}")

    def run(self, statement: Statement) -> int:
        """Run one statement of the tenant, and return the number of rows that it returned or changed."""
        self.watchdog.end_after(self.seconds + _GRACE_SECONDS)
        self.pin()
        if is_utf8_already(statement):
            return 0
        try:
            count = affected_rows(self.raw, statement.text)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UnreadableError(0, "the statement changed the character set of results") from None
        if statement.words[0] == "SET":
            self._check_mode()
        return count

    def _check_mode(self) -> None:
        self.pin()
        forbidden = forbidden_modes(fetch_all(self.raw, "SELECT @@sql_mode AS mode")[0]["mode"])
        if forbidden:
            message = f"sql_mode must not have {', '.join(forbidden)}: it changes how strings and names are read"
            raise ProgrammingError(0, message)

    def is_in_transaction(self) -> bool:
        """Return whether a transaction is open, by the server's latest status."""
        self.pin()  # the response with an error has no status
        return bool(self.raw.server_status & SERVER_STATUS_IN_TRANS)  # type: ignore[attr-defined]

    def roll_back(self) -> bool:
        """Roll back, and return whether all was rolled back: False if tables without transactions were changed."""
        self.watchdog.end_after(self.seconds + _GRACE_SECONDS)
        self.pin()
        execute(self.raw, "ROLLBACK")
        return not any(row["Code"] == _NOT_ROLLED_BACK for row in fetch_all(self.raw, "SHOW WARNINGS"))


def run_statements(
    session: MysqlSession,
    statements: Sequence[Statement],
    *,
    started: Started = lambda _: None,
    to_message: Callable[[str], str] = str,
) -> MysqlRunResult:
    """Run statements until one fails. The last transaction stays open. Blocking.

    `to_message` makes the message for the user from the server's.
    """
    result = MysqlRunResult(StatementLog())
    for index, statement in enumerate(statements):
        started(index + 1)
        began = time.monotonic()
        rows, error = _run_one(session, statement)
        message = None if error is None else to_message(_message(session, error))
        milliseconds = round((time.monotonic() - began) * 1000)
        result.run.log.append(log_entry(index, statement, rows, milliseconds, message))
        if error is None:
            result.run.succeeded += 1
        _update_committed(session, result, index + 1, statement, error)
        if error is not None:
            result.run.error = message
            return result
    return result


def _run_one(session: MysqlSession, statement: Statement) -> tuple[int | None, Error | None]:
    """Return the number of rows of one statement, or the error."""
    try:
        return session.run(statement), None
    except Error as error:
        return None, error


def _message(session: MysqlSession, error: Error) -> str:
    if session.watchdog.is_over:
        return f"it took longer than {session.seconds:g} seconds, and its session was ended"
    return message_of(error)


def _update_committed(
    session: MysqlSession, result: MysqlRunResult, number: int, statement: Statement, error: Error | None
) -> None:
    """Record in the result what statement `number` (from 1) committed."""
    code = error.args[0] if error is not None and error.args else None
    result.code = code
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and code in _LOST):
        result.lost = True
        return
    if may_commit_inside(statement):
        result.stayed = number if error is None else number - 1
        result.partial = error is not None
        return
    try:
        ended = code != _DEADLOCK and not is_transactional(statement) and not session.is_in_transaction()
    except Error:
        result.lost = True
        return
    result.partial = error is not None and not is_transactional(statement)
    if ended:
        result.stayed = number if error is None else number - 1


def message_of(error: Error) -> str:
    """Return the server's message, or that the connection was lost."""
    if isinstance(error, UnreadableError):
        return str(error.args[1])
    if isinstance(error, InterfaceError) or (error.args and error.args[0] in _LOST):
        return "the connection to the database was lost"
    return str(error.args[1] if len(error.args) > 1 else error)
