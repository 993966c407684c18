"""The function `render_blueprint`, which renders SQL as the API does (api-facts S16)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from polykomos.functions.adjacent_values import Piece, run_together
from polykomos.functions.sql_dialects import DIALECTS, Engine, SqlDialect
from polykomos.resources.blueprint.schema import BlueprintVariable, is_number_text, normalize_variables
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Variadic
from resourcekit.resource import ProviderFunction

_COMMENT = re.compile(r"/\*|\*/")


class RenderArgs(Arguments):
    """The SQL, the values, and the definitions of the variables."""

    sql_content: str = Field(description="The blueprint's SQL.")
    values: dict[str, Any] | None = Field(description="Values by variable.")
    variables: dict[str, BlueprintVariable] | None = Field(
        description="The blueprint's `variables`; null if every variable is a string."
    )
    engine: Annotated[Engine | None, Variadic()] = Field(
        None, description="The `db_type` of the database that the SQL is for: `postgres` (default) or `mysql`."
    )


class RenderBlueprint(ProviderFunction[RenderArgs]):
    """Render a blueprint's SQL with the values of its variables, without a call to the API."""

    name = "render_blueprint"
    result = str

    def call(self, args: RenderArgs) -> str:
        """Return the rendered SQL."""
        values = {name: value for name, value in (args.values or {}).items() if value is not None}
        definitions = None if args.variables is None else normalize_variables(args.variables)
        for name in values:
            if definitions is not None and name not in definitions:
                raise ResourceError(f"this blueprint does not define {name!r}", property="values")
        return render(args.sql_content, definitions, values, DIALECTS[args.engine or "postgres"])


def render(
    sql: str,
    definitions: Mapping[str, Mapping[str, Any]] | None,
    values: Mapping[str, Any],
    dialect: SqlDialect = DIALECTS["postgres"],
) -> str:
    """Return the SQL with its variables replaced. Pure.

    Without definitions, each variable is a string.

    Raises:
        ResourceError: A variable is not defined, has no value, or has a value of another type. The message names it.
    """
    piece = dialect.pattern
    written: list[str] = []
    position = 0
    before: Piece | None = None
    last: Piece | None = None
    while position < len(sql):
        match = piece.match(sql, position)
        assert match is not None, "the last alternative takes any character"
        if match["open"]:
            shown = sql[position : position + 20]
            raise ResourceError(
                f"the quote or comment that begins with {shown!r} is not closed", property="sql_content"
            )
        end = _comment_end(sql, position) if match["nested"] else match.end()
        name = match["name"]
        written.append(_literal(name, definitions, values, dialect) if name else sql[position:end])
        current = Piece(sql[position:end], position, _type(name, definitions) if name else "")
        if (current.type or (last and last.type)) and run_together(sql, before, current, last, dialect):
            shown = sql[before.start if before else position : end]
            raise ResourceError(
                f"a value never runs together with the adjacent text: {shown[:60]!r}", property="sql_content"
            )
        before, last = current, last if current.is_silent else current
        position = end
    return "".join(written)


def _type(name: str, definitions: Mapping[str, Mapping[str, Any]] | None) -> str:
    return "string" if definitions is None else str(definitions[name].get("type") or "string")


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for found in _COMMENT.finditer(sql, start):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)


def _literal(
    name: str, definitions: Mapping[str, Mapping[str, Any]] | None, values: Mapping[str, Any], dialect: SqlDialect
) -> str:
    if definitions is not None and name not in definitions:
        raise ResourceError(f"the SQL uses {name!r}, but the blueprint does not define it", property="variables")
    definition = (definitions or {}).get(name, {"type": "string"})
    value = values.get(name, definition.get("default"))
    if value is None:
        raise ResourceError(f"{name!r} has no default: set a value for it", property="values")
    return _typed(name, str(definition.get("type")), value, dialect)


def _typed(name: str, type_: str, value: Any, dialect: SqlDialect) -> str:
    match type_:
        case "boolean" if isinstance(value, bool):
            return "true" if value else "false"
        case "number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            if isinstance(value, int) or math.isfinite(value):
                return dialect.number(repr(value) if not isinstance(value, Decimal) else str(value))
        case "number" if isinstance(value, str) and is_number_text(value):
            return dialect.number(value)
        case "string" if isinstance(value, str):
            return dialect.string(value)
        case "identifier" if isinstance(value, str) and (quoted := dialect.identifier(value)):
            return quoted
    expected = dialect.identifier_rule if type_ == "identifier" else f"a {type_}"
    if type_ == "number":
        expected += ", or its digits in a string"
    raise ResourceError(f"the value of {name!r} must be {expected}", property="values")
