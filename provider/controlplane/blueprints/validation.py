"""Is this SQL a blueprint? Lexed, checked for what is refused, rehearsed on the server (api-facts op 21, S20-S22)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controlplane.blueprints.lexer import LexError
from controlplane.blueprints.scratch import Scratch
from controlplane.blueprints.splitting import Statement, split
from controlplane.blueprints.statements import kind_of, object_of, refusal_of, warnings_of
from controlplane.blueprints.variables import Definition, VariableError, render, samples, used
from controlplane.http.errors import ApiError


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


async def validate(scratch: Scratch, sql: str, definitions: Mapping[str, Definition] | None) -> Verdict:
    """Definitions None: they are not known, so every variable that the SQL uses stands for a string."""
    # In a thread: a megabyte of SQL takes seconds to read, and others wait for the loop.
    verdict, rehearsed = await asyncio.to_thread(_read, sql, definitions)
    if verdict.errors:
        return verdict
    errors, warnings = await scratch.rehearse(rehearsed)
    return replace(verdict, errors=tuple(errors), warnings=(*verdict.warnings, *warnings))


def _read(sql: str, definitions: Mapping[str, Definition] | None) -> tuple[Verdict, list[Statement]]:
    """What the text alone tells, and the statements to rehearse."""
    try:
        names = used(sql)
        known = {name: Definition(name) for name in names} if definitions is None else definitions
        rehearsed = split(render(sql, known, samples(known)))
        written = split(sql)
    except (LexError, VariableError) as error:
        return Verdict(errors=(str(error),)), []
    if not written:
        return Verdict(errors=("there is no statement in it",)), []
    refusals = _numbered(written, lambda statement: [refusal_of(statement)])
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
