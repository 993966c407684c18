"""Dry run of statements in the open transaction of a sandbox session: in batches, each statement in a savepoint.

With a round trip per statement, 5,000 lines exceeded the time limit. So each round trip sends a batch. The server stops
at the first failure, only the failed statement is rolled back, and the next batch begins after it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from controlplane.blueprints.session_settings import Limits, lowered
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_runner import may_answer_with_rows, message_of, position_of, queries_of
from controlplane.db.pool import Connection
from controlplane.engines.postgres.query_batch import run_batch
from controlplane.engines.postgres.sessions import pin
from controlplane.http.errors import ApiError

SECONDS: Final = 15.0  # for a dry run, including a second attempt
_MOST_AT_ONCE: Final = 200  # statements
_MOST_ERRORS: Final = 50  # then no more statements are tried, because each error costs a round trip
# Only another dry run can have a lock.
_LOCK_MS: Final = 300

# Missing objects to which a blueprint for an existing database may refer. Of such a statement only the syntax is
# checked: whether the object exists is known when the blueprint is applied.
_MISSING: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
)
_SQL_ERRORS: Final = "42"  # SQLSTATE's class "syntax error or access rule violation"
_NO_RIGHT: Final = "42501"


class DryRunFindings(NamedTuple):
    """Errors and warnings of a dry run, each with the number of its statement, from 1."""

    errors: list[str]
    warnings: list[str]
    may_be_other_dialect: bool = False  # an error shows that the SQL may be another engine's


class LockedError(Exception):
    """Another dry run has a lock that this one needs: both name the same schema instead of using their own."""


def has_ended(findings: DryRunFindings, done: int, total: int) -> bool:
    """Return whether there are too many errors to try more statements. An error with that reason is added then."""
    if len(findings.errors) < _MOST_ERRORS or done == total:
        return False
    left = total - done
    findings.errors.append(
        f"statement {done + 1}: this statement{f' and the {left - 1} after it were' if left > 1 else ' was'} not"
        f" tried, because {_MOST_ERRORS} statements before it are wrong"
    )
    return True


def out_of_time(done: int, total: int) -> ApiError:
    """Return the error 503 of a dry run that exceeded the time limit. It does not say that the SQL is wrong."""
    message = (
        f"The dry run of the SQL took longer than {SECONDS:g} seconds: {done} of {total} statements were run. The SQL"
        " may be valid, and the machine's load the cause. Try again. If it recurs, divide the blueprint, or leave out"
        " statements that take long by themselves."
    )
    details = {"statements_done": done, "statements_total": total, "seconds": SECONDS}
    return ApiError(503, "validation_timeout", message, details, headers={"Retry-After": "1"})


def missing_object_warning(number: int, message: str) -> str:
    """Return the warning of statement `number` (from 1), which needs an object that the sandbox does not have."""
    return f"statement {number} was not run, because it needs an object that the database must have: {message}"


@dataclass
class DryRun:
    """A dry run of statements."""

    conn: Connection  # a sandbox session in a transaction
    statements: Sequence[Statement]
    deadline: float  # by `time.monotonic`
    alone: bool  # no other dry run uses the database, so a lock conflict is an error of the statement
    findings: DryRunFindings = field(default_factory=lambda: DryRunFindings([], []))

    async def run(self) -> DryRunFindings:
        """Run all statements, and return the findings.

        Raises:
            LockedError: Another dry run has a lock.
            ApiError: 503, the time limit is exceeded.
        """
        upper = Limits(self.left_ms(), _LOCK_MS)
        limits, done, batch = upper, 0, _MOST_AT_ONCE
        while done < len(self.statements):
            if time.monotonic() > self.deadline:
                raise out_of_time(done, len(self.statements))
            changed = lowered(limits, upper, self.statements[done])
            if changed is not None:
                limits, done = changed, done + 1
                continue
            within = Limits(min(limits.statement_ms, self.left_ms()), limits.lock_ms)
            succeeded, error = await self._run_batch(self._batch(done, batch), within)
            done += succeeded
            if error is None:
                batch = min(_MOST_AT_ONCE, batch * 2)
                continue
            if not await self._judge(done + 1, error):
                return self.findings
            done, batch = done + 1, 1
            if has_ended(self.findings, done, len(self.statements)):
                return self.findings
        return self.findings

    def _batch(self, start: int, most: int) -> Sequence[Statement]:
        """Return the statements of the next round trip, `most` at most.

        The batch ends before a SET of a limit, which `run` carries out, and after a statement that may return many
        rows.
        """
        batch: list[Statement] = []
        for statement in self.statements[start : start + most]:
            if batch and lowered(Limits(1, 1), Limits(1, 1), statement) is not None:
                break
            batch.append(statement)
            if may_answer_with_rows(statement):
                break
        return batch

    async def _run_batch(self, batch: Sequence[Statement], limits: Limits) -> tuple[int, psycopg.Error | None]:
        """Return how many statements succeeded, and the error of the statement after them."""
        conn = self.conn
        pinned = pin(conn, limits.statement_ms, limits.lock_ms)
        queries, ends = [], []
        if conn.info.transaction_status is TransactionStatus.INERROR:
            queries.append(b"ROLLBACK TO SAVEPOINT statement")
        for statement in batch:
            queries += [b"SAVEPOINT statement", pinned, *queries_of(statement), b"RELEASE SAVEPOINT statement"]
            ends.append(len(queries))
        try:
            rows, failure = await run_batch(conn, [*queries, pinned])
        except psycopg.Error as error:
            return 0, error
        if failure is None and conn.info.transaction_status is not TransactionStatus.INTRANS:
            failure = psycopg.errors.InvalidTransactionState("a statement ended the transaction")
        return sum(end <= len(rows) for end in ends), failure

    async def _judge(self, number: int, error: psycopg.Error) -> bool:
        """Record the error of statement `number` (from 1). Return whether further statements can be run."""
        if time.monotonic() > self.deadline - 0.01:
            # The limit of the dry run, not one that the blueprint sets.
            raise out_of_time(number - 1, len(self.statements)) from None
        message = f"statement {number}: {message_of(error)}"
        if self.conn.info.transaction_status is not TransactionStatus.INERROR:
            self.findings.errors.append(message)  # the session is lost, or it has left its transaction
            return False
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected) and not self.alone:
            raise LockedError
        errors, warnings, may_be_other_dialect = self.findings
        # A column can be missing only in an existing table, unless a statement that adds the column was not run.
        if isinstance(error, _MISSING) or (isinstance(error, psycopg.errors.UndefinedColumn) and warnings):
            warnings.append(missing_object_warning(number, message_of(error)))
        else:
            at = position_of(error, self.statements[number - 1])
            errors.append(message if at is None else f"{message} at character {at + 1}")  # as in the server's log
            state = error.sqlstate or ""
            may_be_other_dialect |= state.startswith(_SQL_ERRORS) and state != _NO_RIGHT
        self.findings = DryRunFindings(errors, warnings, may_be_other_dialect)
        return True

    def left_ms(self) -> int:
        """Return the milliseconds until the deadline, at least 1, because 0 means no limit to the server."""
        return max(1, round((self.deadline - time.monotonic()) * 1000))
