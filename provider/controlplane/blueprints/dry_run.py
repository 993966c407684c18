"""Rehearsing statements in the open transaction of a scratch session: many at a time, each in a savepoint.

A round trip for each statement is what made 5,000 lines take longer than the time limit. So a batch of them goes to the
server at once; the server stops at the first that fails, that one alone is taken back, and the rest follows.
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

SECONDS: Final = 15.0  # for a rehearsal, a second attempt included
_MOST_AT_ONCE: Final = 200  # statements
_MOST_ERRORS: Final = 50  # after which no more statements are tried: each costs a round trip
# Nothing but another rehearsal can hold a lock.
_LOCK_MS: Final = 300

# What a blueprint for a database with tables of its own may well refer to. Such a statement is checked for its syntax
# only: whether the object is there is known when it is applied.
_MISSING: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
)
_SQL_ERRORS: Final = "42"  # SQLSTATE's class for errors in what is written, and for rights
_NO_RIGHT: Final = "42501"


class DryRunFindings(NamedTuple):
    """Errors and warnings, each naming its statement (counted from 1).

    is_foreign: an error says that this is not the engine's SQL, so it may well be another's.
    """

    errors: list[str]
    warnings: list[str]
    may_be_other_dialect: bool = False


class LockedError(Exception):
    """Another rehearsal holds a lock that this one needs: both name a schema, so their own ones keep them not apart."""


def has_ended(findings: DryRunFindings, done: int, of: int) -> bool:
    """Whether so many statements were wrong that no more are tried; then an error says so."""
    if len(findings.errors) < _MOST_ERRORS or done == of:
        return False
    left = of - done
    findings.errors.append(
        f"statement {done + 1}: this statement{f' and the {left - 1} behind it were' if left > 1 else ' was'} not"
        f" rehearsed, because {_MOST_ERRORS} before it are wrong"
    )
    return True


def out_of_time(done: int, of: int) -> ApiError:
    """503: the time limit says nothing about the SQL."""
    message = (
        f"The SQL could not be rehearsed within {SECONDS:g} seconds: {done} of {of} statements were done. The machine's"
        " load may be the cause, so this says nothing about the SQL. Try again. If it recurs, divide the blueprint, or"
        " leave out what takes long by itself."
    )
    details = {"statements_done": done, "statements_total": of, "seconds": SECONDS}
    return ApiError(503, "validation_timeout", message, details, headers={"Retry-After": "1"})


@dataclass
class DryRun:
    """conn: a scratch session in a transaction. deadline: by `time.monotonic`.

    alone: nobody else can hold a lock, so one that is not to be had is the statement's own fault.
    """

    conn: Connection
    statements: Sequence[Statement]
    deadline: float
    alone: bool
    findings: DryRunFindings = field(default_factory=lambda: DryRunFindings([], []))

    async def run(self) -> DryRunFindings:
        """Run them all. Raises LockedError, and ApiError 503 when the time is over."""
        ours = Limits(self.left_ms(), _LOCK_MS)
        limits, done, batch = ours, 0, _MOST_AT_ONCE
        while done < len(self.statements):
            if time.monotonic() > self.deadline:
                raise out_of_time(done, len(self.statements))
            changed = lowered(limits, ours, self.statements[done])
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
        """Up to the next SET of a limit, which is ours to carry out, or through one that may answer with many rows."""
        found: list[Statement] = []
        for statement in self.statements[start : start + most]:
            if found and lowered(Limits(1, 1), Limits(1, 1), statement) is not None:
                break
            found.append(statement)
            if may_answer_with_rows(statement):
                break
        return found

    async def _run_batch(self, batch: Sequence[Statement], limits: Limits) -> tuple[int, psycopg.Error | None]:
        """How many of them succeeded, and the error of the one after these."""
        conn = self.conn
        pinned = pin(conn, limits.statement_ms, limits.lock_ms)
        queries, ends = [], []
        if conn.info.transaction_status is TransactionStatus.INERROR:
            queries.append(b"ROLLBACK TO SAVEPOINT statement")
        for statement in batch:
            of_it = queries_of(statement)
            queries += [b"SAVEPOINT statement", pinned, *of_it, b"RELEASE SAVEPOINT statement"]
            ends.append(len(queries))
        try:
            rows, failure = await run_batch(conn, [*queries, pinned])
        except psycopg.Error as error:
            return 0, error
        if failure is None and conn.info.transaction_status is not TransactionStatus.INTRANS:
            failure = psycopg.errors.InvalidTransactionState("a statement ended the transaction")
        return sum(end <= len(rows) for end in ends), failure

    async def _judge(self, number: int, error: psycopg.Error) -> bool:
        """Note what is wrong with statement `number` (from 1); False where no other can be run after it."""
        if time.monotonic() > self.deadline - 0.01:
            # Our limit, not one that the blueprint has set itself.
            raise out_of_time(number - 1, len(self.statements)) from None
        told = f"statement {number}: {message_of(error)}"
        if self.conn.info.transaction_status is not TransactionStatus.INERROR:
            self.findings.errors.append(told)  # the session is lost, or it got out of its transaction
            return False
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected) and not self.alone:
            raise LockedError
        errors, warnings, is_foreign = self.findings
        # A column can be missing only from a table that is there, unless a statement that adds it was passed over.
        if isinstance(error, _MISSING) or (isinstance(error, psycopg.errors.UndefinedColumn) and warnings):
            missing = f"statement {number} could not be rehearsed, the database must have it: {message_of(error)}"
            warnings.append(missing)
        else:
            at = position_of(error, self.statements[number - 1])
            errors.append(told if at is None else f"{told} at character {at + 1}")  # as the server's log has it
            state = error.sqlstate or ""
            is_foreign |= state.startswith(_SQL_ERRORS) and state != _NO_RIGHT
        self.findings = DryRunFindings(errors, warnings, is_foreign)
        return True

    def left_ms(self) -> int:
        """Until the deadline; at least 1, because 0 is no limit to the server."""
        return max(1, round((self.deadline - time.monotonic()) * 1000))
