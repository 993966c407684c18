"""PostgreSQL: as the tenant's role, in one transaction, bounded in time, rows and bytes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from controlplane.blueprints.dialects import POSTGRES
from controlplane.blueprints.splitter import Statement, split
from controlplane.blueprints.statement_runner import shortened
from controlplane.db.pool import Connection, Row
from controlplane.engines.postgres.query_batch import run_batch
from controlplane.engines.postgres.sessions import closing, ended_after, is_utf8, open_session, pin
from controlplane.queries.errors import SqlError
from controlplane.queries.postgres.rows import parse_row
from controlplane.queries.postgres.schema import read_schema
from controlplane.queries.runner import MAX_BYTES, MAX_ROWS, QueryResult
from controlplane.queries.safety import SafeSql
from controlplane.queries.schema import Schema
from controlplane.services import Services

STATEMENT_MS: Final = 15_000
LOCK_MS: Final = 5_000
# For all of a query. The server's own time-out ends a statement; but functions of the tenant's could lift it for the
# next, so the session is ended from outside when this is over.
SECONDS: Final = 30.0
# libpq's text of a refused connection names host, port and user too; only the server's own words are passed on.
_FATAL: Final = re.compile(r"FATAL: +([^\n]+)")
# The server makes the JSON and leaves out what would be too much, so that it never gets here: a row that is too large
# by itself, and every row from where the sum is. row_to_json is evaluated once because of OFFSET 0. A cursor never
# runs in parallel, so the order of the inner query stays.
_BOUNDED: Final = (
    b"SELECT CASE WHEN pg_catalog.sum(pg_catalog.octet_length(line)) OVER (ROWS UNBOUNDED PRECEDING)"
    b" OPERATOR(pg_catalog.<=) %(most)d THEN line END AS line FROM ("
    b"SELECT CASE WHEN pg_catalog.pg_column_size(polykomos_row.*) OPERATOR(pg_catalog.<=) %(most)d"
    b" THEN pg_catalog.row_to_json(polykomos_row.*)::pg_catalog.text END AS line FROM (\n%(text)b\n)"
    b" AS polykomos_row OFFSET 0) AS polykomos_lines"
)
T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_postgres(services: Services, database: Row) -> AsyncIterator[PostgresRunner]:
    """A session for one query; it is ended for good when the time is over. Raises SqlFailed."""
    try:
        conn = await open_session(
            services.server, database["db_name"], user=database["db_username"], password=database["db_password"]
        )
    except psycopg.OperationalError as error:
        told = _FATAL.search(str(error))
        raise SqlError(f"the database could not be connected to{f': {told[1]}' if told else ''}") from None
    async with closing(conn):
        yield PostgresRunner(services, conn)


class PostgresRunner:
    """One session."""

    dialect = POSTGRES
    split = staticmethod(split)

    def __init__(self, services: Services, conn: Connection) -> None:
        self._services = services
        self._conn = conn

    async def schema(self) -> Schema:
        """Every table and view that the tenant sees without naming a schema."""
        return await self._bounded(read_schema(self._conn))

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """See Runner."""
        return await self._bounded(self._run(checked, beyond))

    async def _bounded(self, work: Coroutine[None, None, T]) -> T:
        """The result. The session is ended from outside after SECONDS. Raises SqlFailed."""
        async with ended_after(self._services.pool, self._conn, SECONDS) as overdue:
            try:
                return await work
            except psycopg.Error as error:
                if overdue.is_over:
                    raise SqlError(f"the query took longer than {SECONDS:g} seconds") from None
                raise _failure(error) from None

    async def _run(self, checked: SafeSql, beyond: str | None) -> QueryResult:
        reads = checked.kind == "select"
        await self._conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if reads else "BEGIN")
        await self._bound()
        if reads:
            return await self._select(checked.statements[0], beyond)
        affected = 0
        for statement in checked.statements:
            affected = await self._change(statement)
        await self._conn.execute("COMMIT")
        return (
            QueryResult.of_write(affected) if checked.kind == "write" else QueryResult.of_ddl(len(checked.statements))
        )

    async def _bound(self) -> None:
        """Set the limits of the statements to come; literals are read in UTC."""
        await self._exchange([])

    async def _exchange(self, queries: Sequence[bytes]) -> list[int | None]:
        """The rows of each. Behind them, in the same round trip, the limits are set, which they may have changed."""
        zone = b"SELECT pg_catalog.set_config('TimeZone', 'UTC', true)"
        answers = await run_batch(self._conn, [*queries, pin(self._conn, STATEMENT_MS, LOCK_MS), zone])
        if answers.error is not None:
            raise answers.error
        return answers.rows

    async def _select(self, statement: Statement, beyond: str | None) -> QueryResult:
        text = statement.text.encode()
        # First as it stands: the engine's own errors, and its refusal of what does not only read. binary: the
        # extended protocol, which takes one statement, whatever our splitting made of the text.
        await self._conn.execute(b"DECLARE polykomos_probe NO SCROLL CURSOR FOR " + text, binary=True)
        await self._conn.execute("CLOSE polykomos_probe")
        bounded = _BOUNDED % {b"most": MAX_BYTES, b"text": text}
        await self._conn.execute(b"DECLARE polykomos_rows NO SCROLL CURSOR FOR " + bounded, binary=True)
        cursor = await self._conn.execute(f"FETCH {MAX_ROWS + 1} FROM polykomos_rows".encode())
        if not is_utf8(self._conn):
            raise SqlError("the query changed client_encoding, so its answer cannot be read")
        lines: list[str | None] = [row["line"] for row in await cursor.fetchall()]
        rows = [parse_row(line) for line in lines[:MAX_ROWS] if line is not None]
        truncated = len(rows) < len(lines)
        if len(rows) == MAX_ROWS and beyond is not None and not truncated:
            cursor = await self._conn.execute(beyond.encode(), binary=True)
            truncated = cursor.rowcount > 0
        return QueryResult.of_rows(rows, truncated=truncated)

    async def _change(self, statement: Statement) -> int:
        """Rows touched. What RETURNING answers with stays on the server: it may be of any size."""
        text = statement.text.encode()
        if "RETURNING" in statement.words and statement.words[0] != "CREATE":
            text = b"WITH polykomos_rows AS (\n" + text + b"\n) SELECT FROM polykomos_rows"
        affected, *_ = await self._exchange([text])
        if self._conn.info.transaction_status is not TransactionStatus.INTRANS:
            raise SqlError("the statement ended the transaction")
        return affected or 0


def _failure(error: psycopg.Error) -> SqlError:
    told = error.diag.message_primary
    if not told:
        lost = isinstance(error, psycopg.OperationalError)
        return SqlError("the connection to the database was lost" if lost else "the statement cannot be run")
    hint = error.diag.message_hint
    return SqlError(shortened(told), hint and shortened(hint))
