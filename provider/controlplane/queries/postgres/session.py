"""Queries in PostgreSQL: as the tenant's role, in one transaction, with limits of time, rows and bytes."""

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
# For the whole query. The server's time-out ends a statement, but a function of the tenant could change it for the next
# statement. So the session is ended from outside after this time.
SECONDS: Final = 30.0
# libpq's text of a rejected connection names host, port and user too; only the server's message is passed on.
_FATAL: Final = re.compile(r"FATAL: +([^\n]+)")
# The server writes the JSON and leaves out a row that is too large, and every row after the limit of all rows, so that
# they are never received. OFFSET 0 makes it evaluate row_to_json once. A cursor never runs in parallel, so the order of
# the inner query stays.
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
    """Provide a runner with a session for one query.

    Raises:
        SqlError: The database cannot be connected to.
    """
    try:
        conn = await open_session(
            services.server, database["db_name"], user=database["db_username"], password=database["db_password"]
        )
    except psycopg.OperationalError as error:
        fatal = _FATAL.search(str(error))
        raise SqlError(f"the database could not be connected to{f': {fatal[1]}' if fatal else ''}") from None
    async with closing(conn):
        yield PostgresRunner(services, conn)


class PostgresRunner:
    """The Runner of PostgreSQL: one session."""

    dialect = POSTGRES
    split = staticmethod(split)

    def __init__(self, services: Services, conn: Connection) -> None:
        self._services = services
        self._conn = conn

    async def schema(self) -> Schema:
        """Return the tables and views that the tenant sees without naming a schema."""
        return await self._within_time(read_schema(self._conn))

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """Run SQL that passed the safety check, in one transaction (see Runner)."""
        return await self._within_time(self._run(checked, beyond))

    async def _within_time(self, work: Coroutine[None, None, T]) -> T:
        """Await `work`; after SECONDS the session is ended from outside. Raise SqlError on failure."""
        async with ended_after(self._services.pool, self._conn, SECONDS) as overdue:
            try:
                return await work
            except psycopg.Error as error:
                if overdue.is_over:
                    raise SqlError(f"the query took longer than {SECONDS:g} seconds") from None
                raise _sql_error(error) from None

    async def _run(self, checked: SafeSql, beyond: str | None) -> QueryResult:
        reads = checked.kind == "select"
        await self._conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if reads else "BEGIN")
        await self._exchange([])  # sets the limits of the statements to come
        if reads:
            return await self._select(checked.statements[0], beyond)
        affected = 0
        for statement in checked.statements:
            affected = await self._change(statement)
        await self._conn.execute("COMMIT")
        return (
            QueryResult.of_write(affected) if checked.kind == "write" else QueryResult.of_ddl(len(checked.statements))
        )

    async def _exchange(self, queries: Sequence[bytes]) -> list[int | None]:
        """Run statements and return the number of rows of each.

        The same round trip sets the limits again, which the statements may have changed, and the time zone UTC.
        """
        zone = b"SELECT pg_catalog.set_config('TimeZone', 'UTC', true)"
        batch = await run_batch(self._conn, [*queries, pin(self._conn, STATEMENT_MS, LOCK_MS), zone])
        if batch.error is not None:
            raise batch.error
        return batch.rows

    async def _select(self, statement: Statement, beyond: str | None) -> QueryResult:
        text = statement.text.encode()
        # First the unchanged text: the server reports its own errors, and rejects a statement that does not only read.
        # `binary` selects the extended protocol, which accepts a single statement, so an error of the splitter is safe.
        await self._conn.execute(b"DECLARE polykomos_probe NO SCROLL CURSOR FOR " + text, binary=True)
        await self._conn.execute("CLOSE polykomos_probe")
        bounded = _BOUNDED % {b"most": MAX_BYTES, b"text": text}
        await self._conn.execute(b"DECLARE polykomos_rows NO SCROLL CURSOR FOR " + bounded, binary=True)
        rows = await self._conn.fetch_all(f"FETCH {MAX_ROWS + 1} FROM polykomos_rows".encode())
        if not is_utf8(self._conn):
            raise SqlError("the query changed client_encoding, so its result cannot be read")
        lines: list[str | None] = [row["line"] for row in rows]
        rows = [parse_row(line) for line in lines[:MAX_ROWS] if line is not None]
        truncated = len(rows) < len(lines)
        if len(rows) == MAX_ROWS and beyond is not None and not truncated:
            cursor = await self._conn.execute(beyond.encode(), binary=True)
            truncated = cursor.rowcount > 0
        return QueryResult.of_rows(rows, truncated=truncated)

    async def _change(self, statement: Statement) -> int:
        """Run a statement that writes, and return the number of rows written.

        The rows of RETURNING stay on the server, because their size is not limited.
        """
        text = statement.text.encode()
        if "RETURNING" in statement.words and statement.words[0] != "CREATE":
            text = b"WITH polykomos_rows AS (\n" + text + b"\n) SELECT FROM polykomos_rows"
        affected, *_ = await self._exchange([text])
        if self._conn.info.transaction_status is not TransactionStatus.INTRANS:
            raise SqlError("the statement ended the transaction")
        return affected or 0


def _sql_error(error: psycopg.Error) -> SqlError:
    message = error.diag.message_primary
    if not message:
        lost = isinstance(error, psycopg.OperationalError)
        return SqlError("the connection to the database was lost" if lost else "the statement cannot be run")
    hint = error.diag.message_hint
    return SqlError(shortened(message), hint and shortened(hint))
