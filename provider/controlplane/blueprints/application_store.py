"""Application rows: made, found, brought to their end."""

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

TERMINAL_STATUSES: Final = frozenset({"completed", "failed", "rolled_back"})


class UnsupportedByEngineError(ValueError):
    """The blueprint cannot be run by the engine of the database (docs/decisions/0011)."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"this blueprint is not for {engine}: {reason}")


class LostOwnershipError(Exception):
    """Another process has taken it over, because it took this one for dead."""


async def insert(
    conn: Connection,
    blueprint: Row,
    *,
    database: Row,
    user_id: int,
    variables: Mapping[str, Any] | None,
    dry_run: bool,
    at_creation: bool,
    now: datetime,
) -> Row:
    """A pending application of the blueprint's current version. Raises VariableError, or NotForEngine."""
    dialect = DIALECTS[database["db_type"]]
    rendered, statements = await asyncio.to_thread(_rendered, dialect, blueprint, variables)
    cursor = await conn.execute(
        "INSERT INTO blueprint_applications (blueprint_id, blueprint_version, database_id, user_id, rendered_sql,"
        " variable_values, is_dry_run, at_creation, statements_total, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
        (
            *(blueprint["id"], blueprint["version"], database["id"], user_id, rendered),
            *(None if variables is None else Json(dict(variables)), dry_run, at_creation),
            *(statements, now),
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


def _rendered(dialect: Dialect, blueprint: Row, variables: Mapping[str, Any] | None) -> tuple[str, int]:
    """Return the SQL with the values in it, and of how many statements it is. It was accepted for any engine."""
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
    """The application, whatever its state."""
    cursor = await conn.execute("SELECT * FROM blueprint_applications WHERE id = %s", (number,))
    return await cursor.fetchone()


async def note_session(conn: Connection, row: Row, pid: int) -> None:
    """Which backend runs it, so that the next try can end it. Raises TakenOver."""
    cursor = await conn.execute(
        "UPDATE blueprint_applications SET backend_pid = %(pid)s, backend_start ="
        " (SELECT backend_start FROM pg_stat_activity WHERE pid = %(pid)s) WHERE id = %(id)s AND owner = %(owner)s",
        {"pid": pid, "id": row["id"], "owner": row["owner"]},
    )
    if not cursor.rowcount:
        raise LostOwnershipError


async def record(conn: Connection, row: Row, run: StatementLog, *, milliseconds: int, xid: str | None) -> None:
    """What was done, written before the tenant's COMMIT together with its transaction's id. Raises TakenOver."""
    cursor = await conn.execute(
        "UPDATE blueprint_applications SET execution_log = %s, statements_succeeded = %s, statements_failed = %s,"
        " error_message = %s, total_duration_ms = %s, xid = %s::xid8 WHERE id = %s AND owner = %s",
        (
            Json(run.log),
            run.succeeded,
            int(run.error is not None),
            run.error,
            milliseconds,
            xid,
            row["id"],
            row["owner"],
        ),
    )
    if not cursor.rowcount:
        raise LostOwnershipError


async def finish(conn: Connection, row: Row, status: str, now: datetime, *, error: str | None = None) -> None:
    """Its last state; whoever has taken it over says that instead of us."""
    await conn.execute(
        "UPDATE blueprint_applications SET status = %s, owner = NULL, completed_at = %s,"
        " error_message = coalesce(%s, error_message) WHERE id = %s AND owner = %s",
        (status, now, error, row["id"], row["owner"]),
    )
