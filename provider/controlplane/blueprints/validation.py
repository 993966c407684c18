"""Is this SQL a blueprint? Lexed, checked for what is refused, rehearsed on the server (api-facts op 21, S20-S22)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from controlplane.blueprints.dialects import MYSQL, POSTGRES, Dialect
from controlplane.blueprints.lexer import LexError
from controlplane.blueprints.mysql.scratch import rehearse as rehearse_in_mysql
from controlplane.blueprints.scratch import Findings, Scratch
from controlplane.blueprints.splitting import Statement
from controlplane.blueprints.statements import kind_of, object_of, warnings_of
from controlplane.blueprints.variables import Definition, VariableError, render, samples, used
from controlplane.engines import EngineDown, Engines
from controlplane.http.errors import ApiError
from controlplane.mysql.engine import MysqlEngine


@dataclass(frozen=True)
class Verdict:
    """Errors make it invalid; the manifest says what the statements are."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = field(default=())
    variables: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As the API shows it."""
        listed = [
            {"index": index, "kind": kind_of(statement), "object": object_of(statement)}
            for index, statement in enumerate(self.statements)
        ]
        return {
            "valid": not self.errors,
            "statement_count": len(self.statements),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
            "manifest": {
                "statements": listed,
                "creates": [e["object"] for e in listed if str(e["kind"]).startswith("CREATE ") and e["object"]],
                "variables": list(self.variables),
            },
        }


async def validate(
    scratch: Scratch, engines: Engines, sql: str, definitions: Mapping[str, Definition] | None
) -> Verdict:
    """Valid when an engine takes it (docs/decisions/0011): PostgreSQL, else MySQL, with a warning then.

    Definitions None: they are not known, so every variable that the SQL uses stands for a string.
    """
    verdict, is_foreign = await _judge(POSTGRES, scratch.rehearse, sql, definitions)
    mysql = engines.get("mysql")
    if not is_foreign or not isinstance(mysql, MysqlEngine) or mysql.missing:
        return verdict
    try:
        other, _ = await _judge(MYSQL, partial(rehearse_in_mysql, mysql), sql, definitions)
    except EngineDown as down:
        return replace(verdict, warnings=(*verdict.warnings, f"MySQL was not asked: {down}"))
    if other.errors:
        warning = f"for MySQL it is not valid either: {other.errors[0]}"
        return replace(verdict, warnings=(*verdict.warnings, warning))
    refusal = f"valid for MySQL only, PostgreSQL refuses it: {verdict.errors[0]}"
    return replace(other, warnings=(refusal, *other.warnings))


async def _judge(
    dialect: Dialect,
    rehearse: Callable[[list[Statement]], Awaitable[Findings]],
    sql: str,
    definitions: Mapping[str, Definition] | None,
) -> tuple[Verdict, bool]:
    """The verdict, and whether what is wrong may be right for another engine."""
    # In a thread: a megabyte of SQL takes seconds to read, and others wait for the loop.
    verdict, rehearsed = await asyncio.to_thread(_read, dialect, sql, definitions)
    if verdict.errors:
        return verdict, True
    found = await rehearse(rehearsed)
    whole = replace(verdict, errors=tuple(found.errors), warnings=(*verdict.warnings, *found.warnings))
    return whole, found.is_foreign


def _read(dialect: Dialect, sql: str, definitions: Mapping[str, Definition] | None) -> tuple[Verdict, list[Statement]]:
    """What the text alone tells, and the statements to rehearse."""
    try:
        names = used(sql, dialect.tokens)
        known = {name: Definition(name) for name in names} if definitions is None else definitions
        rehearsed = dialect.split(render(sql, known, samples(known), dialect.tokens, dialect.literals))
        written = dialect.split(sql)
    except (LexError, VariableError) as error:
        return Verdict(errors=(str(error),)), []
    if not written:
        return Verdict(errors=("there is no statement in it",)), []
    refusals = _numbered(written, lambda statement: [dialect.refusal_of(statement)])
    warnings = _numbered(written, warnings_of)
    return Verdict(tuple(refusals), tuple(warnings), tuple(written), tuple(names)), rehearsed


def _numbered(statements: list[Statement], judge: Callable[[Statement], Sequence[str | None]]) -> list[str]:
    return [
        f"statement {number}: {text}"
        for number, statement in enumerate(statements, 1)
        for text in judge(statement)
        if text
    ]


def invalid_sql(verdict: Verdict) -> ApiError:
    """422 for a create or update (S20)."""
    message = f"The SQL is not valid: {verdict.errors[0]}"
    return ApiError(422, "invalid_sql", message, {"field": "sql_content", "errors": list(verdict.errors)})
