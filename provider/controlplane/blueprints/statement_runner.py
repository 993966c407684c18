"""Running statements one after the other inside a transaction, with a log of each (api-facts S22)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
_LONGEST_MESSAGE: Final = 2000  # characters; RAISE takes any number
_GRACE_SECONDS: Final = 5.0  # for the server's own time-out, before the session is ended from outside


@dataclass
class StatementLog:
    """What has been done so far. error: the message of the statement that failed."""

    log: list[dict[str, Any]] = field(default_factory=list)
    succeeded: int = 0
    error: str | None = None


async def run_statements(pool: Pool, conn: Connection, statements: Sequence[Statement], limits: Limits) -> StatementLog:
    """Run them in the open transaction of `conn` until one fails. limits: for each; a statement may lower them.

    pool: of our own connections, over which a session is ended whose limits the statements got rid of.
    """
    run = StatementLog()
    ours = limits
    for index, statement in enumerate(statements):
        began = time.monotonic()
        rows: int | None = None
        error: str | None = None
        changed = lowered(limits, ours, statement)
        if changed is None:
            rows, error = await _run_bounded(pool, conn, statement, limits)
        limits = changed or limits
        milliseconds = round((time.monotonic() - began) * 1000)
        run.log.append(log_entry(index, statement, rows, milliseconds, error))
        if error is not None:
            run.error = error
            return run
        run.succeeded += 1
    return run


def log_entry(
    index: int, statement: Statement, rows: int | None, milliseconds: int, error: str | None
) -> dict[str, Any]:
    """One line of the log. index: from 0; rows: that it touched."""
    return {
        "index": index,
        "sql_preview": preview_line(statement.text),
        "status": "failed" if error else "succeeded",
        "rows_affected": rows,
        "duration_ms": milliseconds,
        "error": error,
    }


async def _run_bounded(
    pool: Pool, conn: Connection, statement: Statement, limits: Limits
) -> tuple[int | None, str | None]:
    """The rows that one statement touched, or the error's message."""
    seconds = limits.statement_ms / 1000
    async with ended_after(pool, conn, seconds + _GRACE_SECONDS) as overdue:
        try:
            return await run_statement(conn, statement, limits), None
        except psycopg.Error as error:
            if overdue.is_over:
                return None, f"it took longer than {seconds:g} seconds, and its session was ended"
            return None, message_of(error)


async def run_statement(conn: Connection, statement: Statement, limits: Limits) -> int | None:
    """Run one statement in the open transaction; returns the rows that it touched. Raises psycopg.Error.

    What we rely on is set before and after, in the same round trip, so that no statement can change it for the next,
    nor end the session while it is idle. The extended protocol takes one statement at a time, whatever our splitting
    made of the text.
    """
    pinned = pin(conn, limits.statement_ms, limits.lock_ms)
    queries = queries_of(statement)
    answers = await run_batch(conn, [pinned, *queries, pinned])
    if answers.error is not None:
        raise answers.error
    if conn.info.transaction_status is not TransactionStatus.INTRANS:
        raise psycopg.errors.InvalidTransactionState("the statement ended the transaction")
    return answers.rows[min(2, len(queries))]


def queries_of(statement: Statement) -> list[bytes]:
    """What is sent for it; the rows that it touched are those of the second, or of the only one.

    The rows of a query stay on the server, where a cursor passes them by.
    """
    text = statement.text.encode()
    if not _only_reads(statement):
        return [text]
    # A name that no cursor of the tenant's has.
    name = f"polykomos_{secrets.token_hex(_NAME_BYTES)}".encode()
    return [_CURSOR % (name, text), b"MOVE ALL IN " + name, b"CLOSE " + name]


def may_answer_with_rows(statement: Statement) -> bool:
    """Whether rows may be sent for it: any number, so nothing should wait to be sent behind it."""
    words = statement.words
    return not _only_reads(statement) and (words[0] in _ANSWERING or "RETURNING" in words)


def _only_reads(statement: Statement) -> bool:
    """Whether it is a query that a cursor can stand for: it may answer with more rows than fit in memory."""
    words = statement.words
    return words[0] in ("SELECT", "WITH", "VALUES", "TABLE", "(") and not _WRITING.intersection(words)


def position_of(error: psycopg.Error, statement: Statement) -> int | None:
    """Return which character of the statement the server found wrong, from 0; None when it names none."""
    found = error.diag.statement_position
    if found is None:
        return None
    before = len(_CURSOR % (b"polykomos_" + b"0" * 2 * _NAME_BYTES, b"")) if _only_reads(statement) else 0
    return max(0, int(found) - 1 - before)


def message_of(error: psycopg.Error) -> str:
    """The server's own message with its hint; never the connection's details."""
    told = error.diag.message_primary
    if not told:
        return "the connection to the database was lost" if isinstance(error, psycopg.OperationalError) else str(error)
    hint = error.diag.message_hint
    return f"{shortened(told)} ({shortened(hint)})" if hint else shortened(told)


def shortened(message: str) -> str:
    """A server's message, of which a tenant's RAISE may make any length."""
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def preview_line(text: str) -> str:
    """The beginning of a statement on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _PREVIEW else line[: _PREVIEW - 1] + "…"
