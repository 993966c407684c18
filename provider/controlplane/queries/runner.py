"""What a run gave back, in the form of the API, and what every runner can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from controlplane.blueprints.dialects import Dialect
from controlplane.queries.safety import SafeSql, Split
from controlplane.queries.schema import Schema

MAX_ROWS: Final = 100
MAX_BYTES: Final = 4_000_000  # of one answer's rows, as the server writes them


@dataclass(frozen=True)
class QueryResult:
    """result: the API's object. count: rows returned or written, or statements run."""

    result: dict[str, Any]
    count: int

    @classmethod
    def of_rows(cls, rows: list[dict[str, Any]], *, truncated: bool) -> QueryResult:
        """Of a SELECT. truncated: there are more rows than are shown (C21)."""
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
        """Of INSERT, UPDATE, DELETE, MERGE."""
        return cls({"type": "write", "affectedRows": affected}, affected)

    @classmethod
    def of_ddl(cls, statements: int) -> QueryResult:
        """Of statements that define."""
        return cls({"type": "ddl_batch", "statementsExecuted": statements}, statements)


class Runner(Protocol):
    """A session of the tenant's role in its database."""

    @property
    def dialect(self) -> Dialect:
        """How its SQL is written."""

    @property
    def split(self) -> Split:
        """Its text into statements."""

    async def schema(self) -> Schema:
        """What the tenant sees there. Raises SqlFailed."""

    async def run(self, checked: SafeSql, *, beyond: str | None) -> QueryResult:
        """Run it, all or nothing. Raises SqlFailed.

        beyond: a query that finds a row exactly when there are more than `checked`'s own LIMIT lets through.
        """
