"""Running statements one after the other inside a transaction, with a log of each (api-facts S22)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import AsyncCursor, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from controlplane.blueprints.splitting import Statement
from controlplane.store.pool import Connection

LOCK_TIMEOUT_MS: Final = 10_000
_PREVIEW: Final = 120
_WRITING: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"})


@dataclass
class Run:
    """What has been done so far. error: the message of the statement that failed."""

    log: list[dict[str, Any]] = field(default_factory=list)
    succeeded: int = 0
    error: str | None = None


async def run_statements(conn: Connection, statements: Sequence[Statement], timeout_ms: int) -> Run:
    """Run them in the open transaction of `conn` until one fails. timeout_ms: for each."""
    run = Run()
    for index, statement in enumerate(statements):
        began = time.monotonic()
        rows, error = await run_one(conn, statement, timeout_ms, min(timeout_ms, LOCK_TIMEOUT_MS))
        milliseconds = round((time.monotonic() - began) * 1000)
        run.log.append(entry(index, statement, rows, milliseconds, message_of(error) if error else None))
        if error:
            run.error = message_of(error)
            return run
        run.succeeded += 1
    return run


def entry(index: int, statement: Statement, rows: int | None, milliseconds: int, error: str | None) -> dict[str, Any]:
    """One line of the log. index: from 0; rows: that it touched."""
    return {
        "index": index,
        "sql_preview": preview(statement.text),
        "status": "failed" if error else "succeeded",
        "rows_affected": rows,
        "duration_ms": milliseconds,
        "error": error,
    }


async def run_one(
    conn: Connection, statement: Statement, timeout_ms: int, lock_timeout_ms: int
) -> tuple[int | None, psycopg.Error | None]:
    """One statement: the rows that it touched, or the error.

    The timeouts are set anew each time, so that no statement can lift them for the next. The rows of a query stay on
    the server. The extended protocol takes one statement at a time, whatever our splitting made of the text.
    """
    try:
        await conn.execute(
            sql.SQL("SELECT set_config('statement_timeout', {}, true), set_config('lock_timeout', {}, true)").format(
                str(timeout_ms), str(lock_timeout_ms)
            )
        )
        async with conn.cursor() as cursor:
            touched = await (_run_through if _only_reads(statement) else _execute)(cursor, statement.text.encode())
        if conn.info.transaction_status is not TransactionStatus.INTRANS:
            return None, psycopg.errors.InvalidTransactionState("the statement ended the transaction")
    except psycopg.Error as error:
        return None, error
    return touched, None


def _only_reads(statement: Statement) -> bool:
    """Whether it is a query that a cursor can stand for: it may answer with more rows than fit in memory."""
    words = statement.words
    return words[0] in ("SELECT", "WITH", "VALUES", "TABLE", "(") and not _WRITING.intersection(words)


async def _execute(cursor: AsyncCursor[DictRow], text: bytes) -> int | None:
    await cursor.execute(text, binary=True)
    return cursor.rowcount if cursor.rowcount >= 0 else None


async def _run_through(cursor: AsyncCursor[DictRow], text: bytes) -> int | None:
    """Run a query to its end on the server without fetching a row."""
    await cursor.execute(b"DECLARE blueprint_rows NO SCROLL CURSOR FOR " + text, binary=True)
    await cursor.execute("MOVE ALL IN blueprint_rows")
    count = cursor.rowcount
    await cursor.execute("CLOSE blueprint_rows")
    return count


def message_of(error: psycopg.Error) -> str:
    """The server's own message with its hint; never the connection's details."""
    told = error.diag.message_primary
    if not told:
        return "the connection to the database was lost" if isinstance(error, psycopg.OperationalError) else str(error)
    hint = error.diag.message_hint
    return f"{told} ({hint})" if hint else told


def preview(text: str) -> str:
    """The beginning of a statement on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _PREVIEW else line[: _PREVIEW - 1] + "…"
