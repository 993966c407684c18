"""Rows of blueprint applications: insert, read, record, finish."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Json

from controlplane.blueprints.dialects import DIALECTS, Dialect
from controlplane.blueprints.lexer import LexError
from controlplane.blueprints.parsed_sql import refusals
from controlplane.blueprints.positions import LineIndex, Problem
from controlplane.blueprints.statement_runner import StatementLog
from controlplane.blueprints.variables import parse_definitions, render
from controlplane.db.pool import Connection, Row
from controlplane.http.context import RequestContext

TERMINAL_STATUSES: Final = frozenset({"completed", "failed", "rolled_back"})


class UnsupportedByEngineError(ValueError):
    """The blueprint cannot be run by the engine of the database (docs/decisions/0011)."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"this blueprint is not for {engine}: {reason}")


class LostOwnershipError(Exception):
    """Another process has taken the application over, because this process seemed to have ended."""


async def insert(
    call: RequestContext,
    blueprint: Row,
    database: Row,
    variables: Mapping[str, Any] | None,
    *,
    dry_run: bool = False,
    at_creation: bool = False,
) -> Row:
    """Insert a pending application of the blueprint's current version, and return its row.

    With `at_creation`, it belongs to the create of its database.

    Raises:
        VariableError: A value is missing, unknown or of the wrong type.
        UnsupportedByEngineError: The database's engine cannot run the blueprint.
    """
    dialect = DIALECTS[database["db_type"]]
    rendered, statements = await asyncio.to_thread(_render, dialect, blueprint, variables)
    return await call.conn.fetch_row(
        "INSERT INTO blueprint_applications (blueprint_id, blueprint_version, database_id, user_id, rendered_sql,"
        " variable_values, is_dry_run, at_creation, statements_total, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
        (
            *(blueprint["id"], blueprint["version"], database["id"], call.principal.user_id, rendered),
            *(None if variables is None else Json(dict(variables)), dry_run, at_creation, statements, call.now),
        ),
    )


def _render(dialect: Dialect, blueprint: Row, variables: Mapping[str, Any] | None) -> tuple[str, int]:
    """Return the SQL with the values, and its number of statements.

    The blueprint was accepted for one engine at least, which need not be this one.
    """
    definitions = parse_definitions(blueprint["variables"])
    source = dialect.read(blueprint["sql_content"])
    problems = list(source.problems)
    rendered, statements = "", 0
    try:
        rendered = render(source.sql, definitions, variables, dialect.tokens, dialect.literals)
        statements = len(dialect.split(rendered))
        problems += refusals(dialect, dialect.split(source.sql))
    except LexError as error:
        problems.append(Problem(error.at, str(error)))
    if problems:
        raise UnsupportedByEngineError(dialect.label, "; ".join(LineIndex(blueprint["sql_content"]).shown(problems)))
    return rendered, statements


async def get(conn: Connection, number: int) -> Row | None:
    """Return the application in any status, or None if it does not exist."""
    return await conn.fetch_one("SELECT * FROM blueprint_applications WHERE id = %s", (number,))


async def note_session(conn: Connection, row: Row, pid: int) -> None:
    """Record the PostgreSQL backend that runs the application, so that the next attempt can terminate it.

    Raises:
        LostOwnershipError: Another process has taken the application over.
    """
    cursor = await conn.execute(
        "UPDATE blueprint_applications SET backend_pid = %(pid)s, backend_start ="
        " (SELECT backend_start FROM pg_stat_activity WHERE pid = %(pid)s) WHERE id = %(id)s AND owner = %(owner)s",
        {"pid": pid, "id": row["id"], "owner": row["owner"]},
    )
    if not cursor.rowcount:
        raise LostOwnershipError


async def record(conn: Connection, row: Row, run: StatementLog, *, milliseconds: int, xid: str | None) -> None:
    """Record the statement log and the id of the tenant's transaction, before its COMMIT.

    `xid` is None if the transaction is rolled back, and for MySQL.

    Raises:
        LostOwnershipError: Another process has taken the application over.
    """
    cursor = await conn.execute(
        "UPDATE blueprint_applications SET execution_log = %s, statements_succeeded = %s, statements_failed = %s,"
        " error_message = %s, total_duration_ms = %s, xid = %s::xid8 WHERE id = %s AND owner = %s",
        (
            *(Json(run.log), run.succeeded, int(run.error is not None), run.error, milliseconds, xid),
            *(row["id"], row["owner"]),
        ),
    )
    if not cursor.rowcount:
        raise LostOwnershipError


async def finish(conn: Connection, row: Row, status: str, now: datetime, *, error: str | None = None) -> None:
    """Set the final status, unless another process has taken the application over."""
    await conn.execute(
        "UPDATE blueprint_applications SET status = %s, owner = NULL, completed_at = %s,"
        " error_message = coalesce(%s, error_message) WHERE id = %s AND owner = %s",
        (status, now, error, row["id"], row["owner"]),
    )
