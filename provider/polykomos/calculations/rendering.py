"""A blueprint's SQL with the values of its variables in it, as the API renders it (api-facts S16)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from polykomos.resources.blueprint.declaration import BlueprintVariable, canonical_variables, is_number_text
from resourcekit.declaration import Arguments
from resourcekit.errors import ResourceError
from resourcekit.resource import Calculation

_LONGEST_IDENTIFIER = 63  # bytes, PostgreSQL's NAMEDATALEN less its end
# What is passed over whole, because `{{` inside it is plain text; then a variable; then anything.
_PIECE = r"""
  (?P<opaque>
      --[^\r\n]*
    | [eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$ .*? \$(?(tag)(?P=tag))\$
    # A whole word, so that the e of `rate'…'` does not open an escape string. PostgreSQL takes any byte above 7F.
    | [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*
  )
| (?P<comment>/\*)
| \{\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}
| .
"""
_COMMENT = re.compile(r"/\*|\*/")


class RenderArgs(Arguments):
    """The SQL, the values, and what the blueprint says of its variables."""

    sql_content: str = Field(description="The blueprint's SQL.")
    values: dict[str, Any] | None = Field(description="Values by variable.")
    variables: dict[str, BlueprintVariable] | None = Field(
        description="The blueprint's own `variables`; null when every variable is a string."
    )


class RenderBlueprint(Calculation[RenderArgs]):
    """A blueprint's SQL with values in the places of its variables, without asking the API: to read before applying."""

    name = "render_blueprint"
    arguments = RenderArgs
    result = str

    def call(self, args: RenderArgs) -> str:
        values = {name: value for name, value in (args.values or {}).items() if value is not None}
        definitions = None if args.variables is None else canonical_variables(args.variables)
        for name in values:
            if definitions is not None and name not in definitions:
                raise ResourceError(f"this blueprint does not define {name!r}", property="values")
        return render(args.sql_content, definitions, values)


def render(sql: str, definitions: Mapping[str, Mapping[str, Any]] | None, values: Mapping[str, Any]) -> str:
    """definitions: canonical ones; None makes each variable a string. Raises ResourceError naming the variable."""
    # Compiled at the first rendering: few programs render anything, and this one takes long.
    piece = re.compile(_PIECE, re.VERBOSE | re.DOTALL)
    written: list[str] = []
    position = 0
    while position < len(sql):
        found = piece.match(sql, position)
        assert found is not None, "the last alternative takes any character"
        end = _comment_end(sql, position) if found["comment"] else found.end()
        name = found["name"]
        written.append(_literal(name, definitions, values) if name else sql[position:end])
        position = end
    return "".join(written)


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for found in _COMMENT.finditer(sql, start):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)


def _literal(name: str, definitions: Mapping[str, Mapping[str, Any]] | None, values: Mapping[str, Any]) -> str:
    if definitions is not None and name not in definitions:
        raise ResourceError(f"the SQL uses {name!r}, but the blueprint does not define it", property="variables")
    definition = (definitions or {}).get(name, {"type": "string"})
    value = values.get(name, definition.get("default"))
    if value is None:
        raise ResourceError(f"{name!r} has no default, and no value is given", property="values")
    return _typed(name, str(definition.get("type")), value)


def _typed(name: str, type_: str, value: Any) -> str:
    match type_:
        case "boolean" if isinstance(value, bool):
            return "true" if value else "false"
        case "number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            if isinstance(value, int) or math.isfinite(value):
                digits = repr(value) if not isinstance(value, Decimal) else str(value)
                # A space keeps `1-{{n}}` from becoming a comment.
                return f" {digits}" if digits.startswith("-") else digits
        case "number" if isinstance(value, str) and is_number_text(value):
            return f" {value}" if value.startswith("-") else value
        case "string" if isinstance(value, str):
            quoted = value.replace("'", "''")
            return " E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"
        case "identifier" if isinstance(value, str) and 0 < len(value.encode()) <= _LONGEST_IDENTIFIER:
            return '"' + value.replace('"', '""') + '"'
    wanted = "an identifier of 1-63 bytes" if type_ == "identifier" else f"a {type_}"
    if type_ == "number":
        wanted += ", or its digits in a string"
    raise ResourceError(f"the value of {name!r} must be {wanted}", property="values")
