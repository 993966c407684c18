"""Running statements one after the other in one session, knowing what a failure leaves behind (api-facts S25).

A transaction is open from the beginning; statements that define something end it, and the next one begins another. What
was committed on the way is told by the server with each of its answers, not guessed from the text.

A procedure of the tenant's can change the settings of the session, so `Session.pin` sets what we rely on before each
statement of the tenant's and each of ours. A handler may catch the time-out of a statement, so the session is ended
from outside when the time is over.
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
_GRACE_SECONDS: Final = 5.0  # for the server's own time-out, before the session is ended from outside
_DEADLOCK: Final = 1213
_NOT_ROLLED_BACK: Final = 1196
_LOST: Final = frozenset({1053, 1927, 2006, 2013, 2014, 2055})
# collation_connection: a blueprint may choose one, of UTF-8.
_PINNED: Final = (
    "autocommit = 0, tx_read_only = 0, character_set_client = utf8mb4, character_set_results = utf8mb4,"
    " collation_connection ="
    " IF(@@character_set_connection = 'utf8mb4', @@collation_connection, 'utf8mb4_general_ci'),"
    " sql_select_limit = DEFAULT, max_error_count = 64, completion_type = NO_CHAIN, wait_timeout = 3600,"
    " idle_transaction_timeout = 0, idle_write_transaction_timeout = 0, idle_readonly_transaction_timeout = 0,"
    f" innodb_lock_wait_timeout = {_LOCK_SECONDS}, lock_wait_timeout = {_LOCK_SECONDS}"
)

Started = Callable[[int], None]
"""Is called with the number of each statement, from 1, before it runs."""


class UnreadableError(InterfaceError):
    """The server's answer could not be read: the statement changed the character set of answers."""


@dataclass
class MysqlRunResult:
    """What a run did. stayed: statements (counted from 1) up to which nothing can be taken back; 0 = nothing.

    partial: the failed statement may have done a part of its work for good, as DROP TABLE of several does.
    lost: the connection broke, so the failed statement may have been done or not. code: the server's error number.
    """

    run: StatementLog
    stayed: int = 0
    partial: bool = False
    lost: bool = False
    code: int | None = None


@dataclass
class MysqlSession:
    """A session for a tenant's SQL, no transaction of which is committed by itself. seconds: for each statement."""

    raw: MysqlConnection
    watchdog: Watchdog
    seconds: float

    def pin(self) -> None:
        """Set what we rely on. Raises pymysql's errors."""
        execute(self.raw, f"SET SESSION max_statement_time = {max(self.seconds, 0.001):.3f}, {_PINNED}")

    def run(self, statement: Statement) -> int:
        """Run one statement of the tenant's; returns the rows that it touched. Raises pymysql's errors."""
        self.watchdog.end_after(self.seconds + _GRACE_SECONDS)
        self.pin()
        if is_utf8_already(statement):
            return 0
        try:
            count = affected_rows(self.raw, statement.text)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UnreadableError(0, "the statement changed the character set of answers") from None
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
        """As the server told with its last answer. Raises pymysql's errors."""
        self.pin()  # an error's answer tells nothing of that
        return bool(self.raw.server_status & SERVER_STATUS_IN_TRANS)  # type: ignore[attr-defined]

    def roll_back(self) -> bool:
        """Take back what can be; False when tables were changed that know no transactions."""
        self.watchdog.end_after(self.seconds + _GRACE_SECONDS)
        self.pin()
        execute(self.raw, "ROLLBACK")
        return not any(row["Code"] == _NOT_ROLLED_BACK for row in fetch_all(self.raw, "SHOW WARNINGS"))


def run_statements(
    session: MysqlSession,
    statements: Sequence[Statement],
    *,
    started: Started = lambda _: None,
    told: Callable[[str], str] = str,
) -> MysqlRunResult:
    """Run them until one fails; the last transaction stays open. Blocking.

    started: called with each statement's number (from 1) before it runs. told: makes a server's message presentable.
    """
    outcome = MysqlRunResult(StatementLog())
    for index, statement in enumerate(statements):
        started(index + 1)
        began = time.monotonic()
        touched, error = _run_one(session, statement)
        message = None if error is None else told(_message(session, error))
        milliseconds = round((time.monotonic() - began) * 1000)
        outcome.run.log.append(log_entry(index, statement, touched, milliseconds, message))
        if error is None:
            outcome.run.succeeded += 1
        _see_what_stays(session, outcome, index + 1, statement, error)
        if error is not None:
            outcome.run.error = message
            return outcome
    return outcome


def _run_one(session: MysqlSession, statement: Statement) -> tuple[int | None, Error | None]:
    """The rows that it touched, or the error."""
    try:
        return session.run(statement), None
    except Error as error:
        return None, error


def _message(session: MysqlSession, error: Error) -> str:
    if session.watchdog.is_over:
        return f"it took longer than {session.seconds:g} seconds, and its session was ended"
    return message_of(error)


def _see_what_stays(
    session: MysqlSession, outcome: MysqlRunResult, number: int, statement: Statement, error: Error | None
) -> None:
    code = error.args[0] if error is not None and error.args else None
    outcome.code = code
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and code in _LOST):
        outcome.lost = True
        return
    if may_commit_inside(statement):
        outcome.stayed = number if error is None else number - 1
        outcome.partial = error is not None
        return
    try:
        ended = code != _DEADLOCK and not is_transactional(statement) and not session.is_in_transaction()
    except Error:
        outcome.lost = True
        return
    outcome.partial = error is not None and not is_transactional(statement)
    if ended:
        outcome.stayed = number if error is None else number - 1


def message_of(error: Error) -> str:
    """The server's own message."""
    if isinstance(error, UnreadableError):
        return str(error.args[1])
    if isinstance(error, InterfaceError) or (error.args and error.args[0] in _LOST):
        return "the connection to the database was lost"
    return str(error.args[1] if len(error.args) > 1 else error)
