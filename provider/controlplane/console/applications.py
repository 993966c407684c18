"""The console's pages of blueprint applications and their statement logs, without the values of variables.

The store has the SQL with the values in it. The page shows the blueprint's own text, statement by statement, and errors
with every value masked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from controlplane.blueprints.dialects import DIALECTS
from controlplane.blueprints.lexer import LexError
from controlplane.blueprints.statement_runner import preview_line
from controlplane.console.list_query import paginate, parse_query, pluralize
from controlplane.console.redaction import redact, values_of
from controlplane.console.templates import Page
from controlplane.db.pool import Connection, Row
from controlplane.services import Services

_STATUSES = (
    ("", "any"),
    *((name, name.replace("_", " ")) for name in ("pending", "running", "completed", "failed", "rolled_back")),
)
_COLUMNS = (
    "SELECT a.id, a.status, a.is_dry_run, a.at_creation, a.blueprint_version, a.statements_total,"
    " a.statements_succeeded, a.statements_failed, a.total_duration_ms, a.error_message, a.variable_values,"
    " a.created_at, a.started_at, a.completed_at, b.name AS blueprint_name, b.uuid AS blueprint_uuid,"
    " b.variables AS definitions, d.name AS database_name, d.uuid AS database_uuid, d.db_type"
)
_FROM = (
    " FROM blueprint_applications a JOIN blueprints b ON b.id = a.blueprint_id JOIN databases d ON d.id = a.database_id"
)
# Errors are not searched: those in the store contain values, which a search could guess letter by letter.
_LIST = (
    _COLUMNS + _FROM + " WHERE (%(status)s = '' OR a.status = %(status)s)"
    " AND (%(pattern)s::text IS NULL OR concat_ws(' ', a.id, b.name, d.name, d.uuid) ILIKE %(pattern)s)"
    " ORDER BY a.id DESC OFFSET %(offset)s LIMIT %(fetch)s"
)
_ONE = (
    _COLUMNS + ", a.execution_log, v.sql_content" + _FROM + " LEFT JOIN blueprint_versions v"
    " ON v.blueprint_id = a.blueprint_id AND v.version = a.blueprint_version WHERE a.id = %s"
)


async def list_page(_: Services, conn: Connection, query: Mapping[str, str], _path: Mapping[str, Any]) -> Page:
    """Return the page `/console/applications`."""
    list_query = parse_query("/console/applications", query, (("status", "Status", _STATUSES),))
    rows = await conn.fetch_all(_LIST, list_query.parameters)
    shown = paginate(list_query, [_without_values(row) for row in rows])
    open_ = sum(row["status"] in ("pending", "running") for row in shown.rows)
    return Page(
        template="applications.html",
        title="Applications",
        section="applications",
        summary=f"{pluralize(len(shown.rows), 'application')} on this page, {open_} under way",
        context={"shown": shown},
        list_query=list_query,
        searches="number, blueprint or database",
    )


async def detail_page(_: Services, conn: Connection, _query: Mapping[str, str], path: Mapping[str, Any]) -> Page | None:
    """Return the page `/console/applications/{id}`, or None if there is no such application."""
    if path["id"] >= 2**31:
        return None
    row = await conn.fetch_one(_ONE, (path["id"],))
    if row is None:
        return None
    texts = await asyncio.to_thread(_statements, row["db_type"], row["sql_content"])
    return Page(
        template="application.html",
        title=f"Application {row['id']}",
        section="applications",
        summary=f"application {row['id']} is {row['status'].replace('_', ' ')}",
        context={"application": _without_values(row), "statements": _log(row, texts)},
        back="/console/applications",
    )


def _without_values(row: Row) -> Row:
    """Return the row without values, with only the names of the variables that have one."""
    error = row["error_message"]
    return {
        **row,
        "error_message": error and redact(error, values_of(row["variable_values"], row["definitions"])),
        "variable_values": sorted(row["variable_values"] or {}),
        "definitions": None,
    }


def _statements(engine: str, sql: str | None) -> list[str]:
    try:
        return [preview_line(statement.text) for statement in DIALECTS[engine].split(sql or "")]
    except LexError:
        return []


def _log(row: Row, texts: list[str]) -> list[Row]:
    """Return one entry for each statement, whether it ran or not."""
    values = values_of(row["variable_values"], row["definitions"])
    run = {entry["index"]: entry for entry in row["execution_log"] or []}
    # Values cannot change the number of statements. If the numbers differ all the same, no text is shown.
    usable = texts if len(texts) == row["statements_total"] else []
    log = []
    for index in range(row["statements_total"]):
        entry = run.get(index)
        log.append(
            {
                "number": index + 1,
                "text": usable[index] if usable else "",
                "status": entry["status"] if entry else "not run",
                "rows": entry["rows_affected"] if entry else None,
                "ms": entry["duration_ms"] if entry else None,
                "error": entry["error"] and redact(entry["error"], values) if entry else None,
            }
        )
    return log
