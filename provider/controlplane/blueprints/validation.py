"""Judge whether SQL can be a blueprint: read, then rehearsed on the server (api-facts op 21, S20-S22)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from controlplane.blueprints.dialects import MYSQL, POSTGRES, more_likely_dialect
from controlplane.blueprints.dry_run import DryRunFindings
from controlplane.blueprints.mysql.sandbox import dry_run as rehearse_in_mysql
from controlplane.blueprints.parsed_sql import ParsedSql, read
from controlplane.blueprints.sandbox import Sandbox
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.validation_result import ValidationResult
from controlplane.blueprints.variables import Definition
from controlplane.engines.base import EngineRegistry, EngineUnavailableError
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.http.errors import ApiError


async def validate(
    scratch: Sandbox, engines: EngineRegistry, sql: str, definitions: Mapping[str, Definition] | None
) -> ValidationResult:
    """Return the verdict of the engine that takes the SQL (docs/decisions/0011): PostgreSQL, else MySQL with a warning.

    When none takes it, the errors are those of the engine that the SQL is for. Where the text does not show which that
    is, both engines' errors are listed, those of the likelier first. Definitions None: they are not known, so every
    variable stands for a string.
    """
    parsed = await asyncio.to_thread(read, POSTGRES, sql, definitions)
    verdict, may_be_foreign = await _judge(parsed, scratch.dry_run)
    if not may_be_foreign:
        return verdict
    parsed_as_mysql = await asyncio.to_thread(read, MYSQL, sql, definitions)
    if _is_before(parsed.own_at, parsed_as_mysql.own_at):
        return verdict
    mysql = engines.get("mysql")
    asked: str | None = None
    if not isinstance(mysql, MysqlEngine) or mysql.unavailable_reason:
        other = parsed_as_mysql.verdict(())
    else:
        try:
            other, _ = await _judge(parsed_as_mysql, partial(rehearse_in_mysql, mysql))
            asked = MYSQL.label
        except EngineUnavailableError as down:
            other = parsed_as_mysql.verdict((f"MySQL was not asked: {down}",))
    if asked and not other.errors:
        refusal = f"valid for MySQL only, PostgreSQL refuses it: {verdict.errors[0]}"
        return replace(other, warnings=(refusal, *other.warnings))
    if other.errors and _is_before(parsed_as_mysql.own_at, parsed.own_at):
        return other
    if not asked:
        return replace(verdict, warnings=(*verdict.warnings, *other.warnings[len(parsed_as_mysql.warnings) :]))
    both = [(MYSQL, other), (POSTGRES, verdict)]
    ordered = both if more_likely_dialect(sql) is MYSQL else both[::-1]
    errors = [f"for {dialect.label}: {error}" for dialect, one in ordered for error in one.errors]
    return replace(ordered[0][1], errors=tuple(errors))


def _is_before(one: int | None, other: int | None) -> bool:
    """Return whether one engine's own tools show in the text, before those of the other do."""
    return one is not None and (other is None or one < other)


async def _judge(
    parsed: ParsedSql, rehearse: Callable[[list[Statement]], Awaitable[DryRunFindings]]
) -> tuple[ValidationResult, bool]:
    """Return the verdict, and whether what is wrong may be right for another engine."""
    if not parsed.rehearsed:
        return parsed.verdict(()), True
    found = await rehearse(parsed.rehearsed)
    return parsed.with_findings(found.errors, found.warnings), bool(parsed.problems) or found.may_be_other_dialect


def invalid_sql(verdict: ValidationResult) -> ApiError:
    """422 for a create or update (S20)."""
    message = f"The SQL is not valid: {verdict.errors[0]}"
    return ApiError(422, "invalid_sql", message, {"field": "sql_content", "errors": list(verdict.errors)})


def validation_busy() -> ApiError:
    """503 for a user whose validations wait for their turn for too long."""
    message = "Too many of your blueprints are being validated at the moment. Try again."
    return ApiError(503, "validation_busy", message, headers={"Retry-After": "1"})
