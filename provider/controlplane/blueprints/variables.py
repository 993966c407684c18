"""Variables of a blueprint (api-facts S16): their definitions, and replacement by values. Pure.

`{{name}}` outside of quotes and comments is replaced. Strings become quoted literals, numbers and booleans literals,
identifiers quoted identifiers, all by the engine's rules, so that no value can change the meaning of the SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controlplane.blueprints.adjacency import find_adjacent
from controlplane.blueprints.lexer import Token, tokens

TYPES = ("string", "number", "boolean", "identifier")
# A number in a string, for more digits than every client's JSON numbers have. An exponent is not allowed, because it
# would make the number a double in MySQL.
_DIGITS: Final = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?")
_LONGEST_IDENTIFIER = 63  # bytes; PostgreSQL truncates longer names
_Tokens = Callable[[str], Iterator[Token]]
_KEYS = frozenset({"type", "default", "required", "description"})
_SAMPLES: Mapping[str, Any] = {"string": "sample", "number": 1, "boolean": True, "identifier": "sample"}
UNDEFINED: Final = "the SQL uses it, but the blueprint does not define it"


class VariableError(ValueError):
    """A definition or value of the variable `name` is not valid."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"variable {name}: {reason}")
        self.name = name


@dataclass(frozen=True)
class Literals:
    """The functions that write values as SQL of an engine."""

    string: Callable[[str], str]
    number: Callable[[str], str]  # takes the digits
    identifier: Callable[[str], str | None]  # returns None for a text that cannot be a name
    identifier_is: str  # describes an identifier, for messages


@dataclass(frozen=True)
class Definition:
    """The definition of a variable. `default` None means that it has no default."""

    name: str
    type: str = "string"
    default: Any = None
    required: bool = False


def parse_definitions(variables: Mapping[str, Any] | None) -> dict[str, Definition]:
    """Return the definitions by name. A scalar instead of an object is a default, and sets the type.

    Raises:
        VariableError: A definition is not valid.
    """
    return {name: _definition(name, value) for name, value in (variables or {}).items()}


def _definition(name: str, value: Any) -> Definition:
    if not name.isascii() or not name.replace("_", "a").isalnum() or name[0].isdigit():
        raise VariableError(name, "a name consists of letters, digits and underscores and does not begin with a digit")
    if not isinstance(value, Mapping):
        return _checked(Definition(name, _type_of(name, value), value))
    unknown = sorted(set(value) - _KEYS)
    if unknown:
        raise VariableError(name, f"unknown key {unknown[0]}; the keys are {', '.join(sorted(_KEYS))}")
    type_ = value.get("type") or "string"
    if type_ not in TYPES:
        raise VariableError(name, f"type must be one of {', '.join(TYPES)}")
    required = value.get("required")
    if not isinstance(required, bool | None):
        raise VariableError(name, "required must be true or false")
    if not isinstance(value.get("description"), str | None):
        raise VariableError(name, "description must be a string")
    return _checked(Definition(name, type_, value.get("default"), bool(required)))


def _type_of(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    raise VariableError(name, "a definition is an object, or a string, number or boolean as its default")


def _checked(definition: Definition) -> Definition:
    if definition.default is not None:
        literal(definition, definition.default)
    return definition


def render(
    sql: str,
    definitions: Mapping[str, Definition],
    values: Mapping[str, Any] | None,
    read: _Tokens = tokens,
    literals: Literals | None = None,
) -> str:
    """Return the SQL with its variables replaced.

    A value of None means the default. `read` and `literals` are the engine's, by default those of PostgreSQL.

    Raises:
        VariableError: A variable is not defined, or its value is missing or of the wrong type.
        LexError: A quote or comment is not closed.
    """
    known_values = {name: value for name, value in (values or {}).items() if value is not None}
    for name in known_values:
        if name not in definitions:
            known = ", ".join(definitions) or "none"
            raise VariableError(name, f"this blueprint does not define it; it defines {known}")
    style = literals or POSTGRES_LITERALS
    texts = {name: _literal_of(definition, known_values, style) for name, definition in definitions.items()}
    every = list(read(sql))
    for variable in find_adjacent(every, types_of(definitions)):
        raise VariableError(variable.name, variable.reason)
    return "".join([_replaced(token.text, token.name, texts) if token.name else token.text for token in every])


def types_of(definitions: Mapping[str, Definition]) -> Callable[[str], str]:
    """Return a function from a variable's name to its type, or "" if it is not defined."""
    return lambda name: definitions[name].type if name in definitions else ""


def sample_values(definitions: Mapping[str, Definition]) -> dict[str, Any]:
    """Return a value for every variable, for dry runs: its default, else a sample of its type."""
    return {
        name: _SAMPLES[definition.type] if definition.default is None else definition.default
        for name, definition in definitions.items()
    }


def _literal_of(definition: Definition, values: Mapping[str, Any], literals: Literals) -> str | None:
    value = values.get(definition.name, definition.default)
    if value is not None:
        return literal(definition, value, literals)
    if definition.required:
        raise VariableError(definition.name, "a value is required")
    return None


def _replaced(text: str, name: str, literals: Mapping[str, str | None]) -> str:
    if name not in literals:
        raise VariableError(name, UNDEFINED)
    value = literals[name]
    if value is None:
        raise VariableError(name, "it has no default, so a value is required")
    return value


def literal(definition: Definition, value: Any, literals: Literals | None = None) -> str:
    """Return a value as SQL.

    `literals` are the engine's, by default those of PostgreSQL.

    Raises:
        VariableError: The value is not of the variable's type.
    """
    style = literals or POSTGRES_LITERALS
    match definition.type:
        case "boolean" if isinstance(value, bool):
            return "true" if value else "false"
        case "number" if _is_number(value):
            return style.number(repr(value))
        case "number" if isinstance(value, str) and _DIGITS.fullmatch(value):
            return style.number(value)
        case "string" if isinstance(value, str):
            return style.string(value)
        case "identifier" if isinstance(value, str) and (quoted := style.identifier(value)):
            return quoted
    expected = style.identifier_is if definition.type == "identifier" else f"a {definition.type}"
    if definition.type == "number":
        expected += ", or its digits in a string"
    raise VariableError(definition.name, f"the value must be {expected}")


def _is_number(value: Any) -> bool:
    # An int is finite, also beyond the range that `isfinite` accepts.
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _string(value: str) -> str:
    quoted = value.replace("'", "''")
    # E'' means the same whatever standard_conforming_strings is set to.
    return f" E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{quoted}'"


def _number(digits: str) -> str:
    # A space keeps `1-{{n}}` from becoming a comment when n is negative.
    return f" {digits}" if digits.startswith("-") else digits


def _identifier(value: str) -> str | None:
    return '"' + value.replace('"', '""') + '"' if 0 < len(value.encode()) <= _LONGEST_IDENTIFIER else None


POSTGRES_LITERALS: Final = Literals(_string, _number, _identifier, "an identifier of 1-63 bytes")
