"""The result of a query as the API returns it, and the interface of the runners of both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from controlplane.blueprints.dialects import Dialect
from controlplane.queries.safety import SafeSql, Split
from controlplane.queries.schema import Schema

MAX_ROWS: Final = 100
MAX_BYTES: Final = 4_000_000  # of the rows of one result, as the server writes them


@dataclass(frozen=True)
class QueryResult:
    """The result of a query."""

    result: dict[str, Any]  # as the API returns it
    count: int  # of rows returned or written, or of statements run

    @classmethod
    def of_rows(cls, rows: list[dict[str, Any]], *, truncated: bool) -> QueryResult:
        """Return the result of a SELECT. If there are more rows, it is truncated (api-facts C21)."""
        result = {
            "type": "select",
            "rows": rows,
            "rowCount": len(rows),
            "truncated": truncated,
            "maxRows": MAX_ROWS,
        }
        return cls(result, len(rows))

    @classmethod
    def of_write(cls, affected: int) -> QueryResult:
        """Return the result of INSERT, UPDATE, DELETE or MERGE."""
        return cls({"type": "write", "affectedRows": affected}, affected)

    @classmethod
    def of_ddl(cls, statements: int) -> QueryResult:
        """Return the result of DDL statements."""
        return cls({"type": "ddl_batch", "statementsExecuted": statements}, statements)


class Runner(Protocol):
    """Runs SQL as the tenant's role in its database."""

    @property
    def dialect(self) -> Dialect:
        """Return the SQL dialect of the engine."""

    @property
    def split(self) -> Split:
        """Return the function that splits a text of this dialect into statements."""

    async def schema(self) -> Schema:
        """Return the tables and views that the tenant sees. Raise SqlError on failure."""

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """Run SQL that passed the safety check.

        Args:
            checked: One statement, or several of DDL.
            beyond: A query that returns a row exactly if there are more rows than the LIMIT in `checked`.

        Raises:
            SqlError: The server rejected a statement, or a limit was reached. Nothing is changed then, except by
                the DDL statements before it in MySQL.
            UnsafeSqlError: The engine's own rules do not allow the SQL in a query.
        """
