"""Run statements one after the other in a transaction of PostgreSQL, and log each of them (api-facts S22)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from controlplane.blueprints.session_settings import Limits, lowered
from controlplane.blueprints.splitter import Statement
from controlplane.db.pool import Connection, Pool
from controlplane.engines.postgres.query_batch import run_batch
from controlplane.engines.postgres.sessions import ended_after, pin

_NAME_BYTES: Final = 8
_CURSOR: Final = b"DECLARE %b NO SCROLL CURSOR FOR %b"
_PREVIEW: Final = 120
_WRITING: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"})
_ANSWERING: Final = frozenset({"WITH", "FETCH", "CALL", "EXPLAIN", "SHOW"})
_LONGEST_MESSAGE: Final = 2000  # characters; a RAISE may have any number
_GRACE_SECONDS: Final = 5.0  # for the server's time-out, before the session is ended from outside


class _Outcome(NamedTuple):
    """How one statement ended. `met_another` as in `StatementLog`."""

    rows: int | None = None
    error: str | None = None
    met_another: bool = False


@dataclass
class StatementLog:
    """The log of the statements that were run so far."""

    log: list[dict[str, Any]] = field(default_factory=list)
    succeeded: int = 0
    error: str | None = None  # the message of the statement that failed
    met_another: bool = False  # it failed because another transaction made or changed the same object meanwhile


async def run_statements(pool: Pool, conn: Connection, statements: Sequence[Statement], limits: Limits) -> StatementLog:
    """Run statements in the open transaction of `conn` until one fails.

    A statement may lower the limits. The store's pool is used to end a session that exceeds them.

    Returns:
        The log, which contains the error of the statement that failed.
    """
    run = StatementLog()
    upper = limits
    for index, statement in enumerate(statements):
        began = time.monotonic()
        outcome = _Outcome()
        changed = lowered(limits, upper, statement)
        if changed is None:
            outcome = await _run_within_limits(pool, conn, statement, limits)
        limits = changed or limits
        milliseconds = round((time.monotonic() - began) * 1000)
        run.log.append(log_entry(index, statement, outcome.rows, milliseconds, outcome.error))
        if outcome.error is not None:
            run.error, run.met_another = outcome.error, outcome.met_another
            return run
        run.succeeded += 1
    return run


def log_entry(
    index: int, statement: Statement, rows: int | None, milliseconds: int, error: str | None
) -> dict[str, Any]:
    """Return an entry of the log. `index` counts from 0."""
    return {
        "index": index,
        "sql_preview": preview_line(statement.text),
        "status": "failed" if error else "succeeded",
        "rows_affected": rows,
        "duration_ms": milliseconds,
        "error": error,
    }


async def _run_within_limits(pool: Pool, conn: Connection, statement: Statement, limits: Limits) -> _Outcome:
    """Run one statement, and end its session if it exceeds the limits."""
    seconds = limits.statement_ms / 1000
    async with ended_after(pool, conn, seconds + _GRACE_SECONDS) as overdue:
        try:
            return _Outcome(rows=await run_statement(conn, statement, limits))
        except psycopg.Error as error:
            if overdue.is_over:
                return _Outcome(error=f"it took longer than {seconds:g} seconds, and its session was ended")
            return _Outcome(error=message_of(error), met_another=_is_concurrent_ddl(error))


def _is_concurrent_ddl(error: psycopg.Error) -> bool:
    """Return whether two transactions made or changed the same object of the catalog at the same time.

    PostgreSQL does not make the second one wait: `CREATE TABLE IF NOT EXISTS` then fails with a duplicate key of a
    catalog, and `GRANT` with an internal error.
    """
    if isinstance(error, psycopg.errors.UniqueViolation):
        return error.diag.schema_name == "pg_catalog"
    return isinstance(error, psycopg.errors.InternalError_) and "concurrently" in (error.diag.message_primary or "")


async def run_statement(conn: Connection, statement: Statement, limits: Limits) -> int | None:
    """Run one statement in the open transaction, and return its number of rows.

    The pin sets the session's settings before and after the statement, in the same round trip, so that a statement can
    neither change them for the next one nor let the session time out while idle. The extended protocol accepts one
    statement at a time, so an error of the splitter is safe.

    Raises:
        psycopg.Error: The statement failed.
    """
    pinned = pin(conn, limits.statement_ms, limits.lock_ms)
    queries = queries_of(statement)
    batch = await run_batch(conn, [pinned, *queries, pinned])
    if batch.error is not None:
        raise batch.error
    if conn.info.transaction_status is not TransactionStatus.INTRANS:
        raise psycopg.errors.InvalidTransactionState("the statement ended the transaction")
    return batch.rows[min(2, len(queries))]


def queries_of(statement: Statement) -> list[bytes]:
    """Return the texts to send for a statement. The second one, or the only one, reports the number of rows.

    The rows of a query stay on the server: a cursor moves over them.
    """
    text = statement.text.encode()
    if not _only_reads(statement):
        return [text]
    # A random name, which no cursor of the tenant has.
    name = f"polykomos_{secrets.token_hex(_NAME_BYTES)}".encode()
    return [_CURSOR % (name, text), b"MOVE ALL IN " + name, b"CLOSE " + name]


def may_answer_with_rows(statement: Statement) -> bool:
    """Return whether the server may send rows for a statement. Their number is not limited, so it ends a batch."""
    words = statement.words
    return not _only_reads(statement) and (words[0] in _ANSWERING or "RETURNING" in words)


def _only_reads(statement: Statement) -> bool:
    """Return whether a statement is a query that a cursor can run. It may have more rows than fit in memory."""
    words = statement.words
    return words[0] in ("SELECT", "WITH", "VALUES", "TABLE", "(") and not _WRITING.intersection(words)


def position_of(error: psycopg.Error, statement: Statement) -> int | None:
    """Return the offset of the error in the statement, in characters, or None if the server names none."""
    position = error.diag.statement_position
    if position is None:
        return None
    before = len(_CURSOR % (b"polykomos_" + b"0" * 2 * _NAME_BYTES, b"")) if _only_reads(statement) else 0
    return max(0, int(position) - 1 - before)


def message_of(error: psycopg.Error) -> str:
    """Return the server's message with its hint, without details of the connection."""
    message = error.diag.message_primary
    if not message:
        return "the connection to the database was lost" if isinstance(error, psycopg.OperationalError) else str(error)
    hint = error.diag.message_hint
    return f"{shortened(message)} ({shortened(hint)})" if hint else shortened(message)


def shortened(message: str) -> str:
    """Return a server's message, shortened: a tenant's RAISE may write one of any length."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def preview_line(text: str) -> str:
    """Return the beginning of a statement, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _PREVIEW else line[: _PREVIEW - 1] + "…"
