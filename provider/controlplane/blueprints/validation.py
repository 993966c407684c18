"""Validation of blueprints: parse the SQL, then dry-run it on the server (api-facts op 21, S20-S22)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from controlplane.blueprints.dialects import MYSQL, POSTGRES, more_likely_dialect
from controlplane.blueprints.dry_run import DryRunFindings
from controlplane.blueprints.mysql.sandbox import dry_run as mysql_dry_run
from controlplane.blueprints.parsed_sql import ParsedSql, read
from controlplane.blueprints.sandbox import Sandbox
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.validation_result import ValidationResult
from controlplane.blueprints.variables import Definition
from controlplane.engines.base import EngineRegistry, EngineUnavailableError
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.http.errors import ApiError


async def validate(
    sandbox: Sandbox, engines: EngineRegistry, sql: str, definitions: Mapping[str, Definition] | None
) -> ValidationResult:
    """Return the result of the engine that accepts the SQL: PostgreSQL, else MySQL with a warning.

    If neither accepts it, the errors are those of the engine that the SQL is for. If the text does not show which that
    is, the errors of both engines are listed, those of the more likely one first (docs/decisions/0011). If the
    definitions are not known (None), each variable is a string. If MySQL is not available and the SQL
    is probably MySQL's, the first error says what is missing.
    """
    parsed = await asyncio.to_thread(read, POSTGRES, sql, definitions)
    result, may_be_other_dialect = await _validate_for(parsed, sandbox.dry_run)
    if not may_be_other_dialect:
        return result
    parsed_as_mysql = await asyncio.to_thread(read, MYSQL, sql, definitions)
    if _is_before(parsed.own_at, parsed_as_mysql.own_at):
        return result
    mysql = engines.get("mysql")
    assert isinstance(mysql, MysqlEngine)
    mysql_result, unavailable = parsed_as_mysql.result(()), mysql.unavailable_reason
    if not unavailable:
        try:
            mysql_result, _ = await _validate_for(parsed_as_mysql, partial(mysql_dry_run, mysql))
        except EngineUnavailableError as down:
            unavailable = str(down)
    if not unavailable and not mysql_result.errors:
        warning = f"valid for MySQL only, PostgreSQL rejects it: {result.errors[0]}"
        return replace(mysql_result, warnings=(warning, *mysql_result.warnings))
    is_mysql = _is_before(parsed_as_mysql.own_at, parsed.own_at)
    if mysql_result.errors and is_mysql:
        return mysql_result
    is_mysql |= more_likely_dialect(sql) is MYSQL
    if unavailable:
        reason = f"the SQL was not validated for MySQL: {unavailable}"
        if is_mysql:
            return replace(result, errors=(reason, *(f"for PostgreSQL: {error}" for error in result.errors)))
        return result if mysql.unavailable_reason else replace(result, warnings=(*result.warnings, reason))
    both = [(MYSQL, mysql_result), (POSTGRES, result)]
    ordered = both if is_mysql else both[::-1]
    errors = [f"for {dialect.label}: {error}" for dialect, one in ordered for error in one.errors]
    return replace(ordered[0][1], errors=tuple(errors))


def _is_before(one: int | None, other: int | None) -> bool:
    """Return whether the text of one engine's tools appears before that of the other's (see SqlSource.own_at)."""
    return one is not None and (other is None or one < other)


async def _validate_for(
    parsed: ParsedSql, dry_run: Callable[[list[Statement]], Awaitable[DryRunFindings]]
) -> tuple[ValidationResult, bool]:
    """Return an engine's result, and whether its errors may be valid SQL of another engine."""
    if not parsed.runnable:
        return parsed.result(()), True
    findings = await dry_run(parsed.runnable)
    may_be_other_dialect = bool(parsed.problems) or findings.may_be_other_dialect
    return parsed.with_findings(findings.errors, findings.warnings), may_be_other_dialect


def invalid_sql(result: ValidationResult) -> ApiError:
    """Return the error 422 for a create or update with invalid SQL (api-facts S20)."""
    message = f"The SQL is not valid: {result.errors[0]}"
    return ApiError(422, "invalid_sql", message, {"field": "sql_content", "errors": list(result.errors)})


def validation_busy() -> ApiError:
    """Return the error 503 for a user with too many validations at a time."""
    message = "Too many of your blueprints are being validated at the moment. Try again."
    return ApiError(503, "validation_busy", message, headers={"Retry-After": "1"})
