"""What a run gave back, in the form of the API, and what every runner can do."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from controlplane.blueprints.dialects import Dialect
from controlplane.db.pool import Row
from controlplane.queries.mysql.session import open_mysql
from controlplane.queries.postgres.session import open_postgres
from controlplane.queries.safety import SafeSql, Split
from controlplane.queries.schema import Schema
from controlplane.services import Services

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


def open_runner(services: Services, database: Row) -> AbstractAsyncContextManager[Runner]:
    """A session in the database for one query. Raises SqlFailed where it cannot be had."""
    if database["db_type"] == "mysql":
        return open_mysql(services, database)
    return open_postgres(services, database)
