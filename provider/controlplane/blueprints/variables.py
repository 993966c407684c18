"""Variables of a blueprint (api-facts S16): their definitions, and how values enter the SQL. Pure.

`{{name}}` outside of quotes and comments is replaced. Strings become quoted literals, numbers and booleans literals,
identifiers quoted identifiers, all by the engine's own rules, so that no value can become SQL of another meaning.
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
# A number in a string: more digits than a JSON number carries from every client. Without an exponent, with which MySQL
# would make a double of it.
_DIGITS: Final = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?")
_LONGEST_IDENTIFIER = 63  # bytes; longer names would be cut silently
_Tokens = Callable[[str], Iterator[Token]]
_KEYS = frozenset({"type", "default", "required", "description"})
_SAMPLES: Mapping[str, Any] = {"string": "sample", "number": 1, "boolean": True, "identifier": "sample"}
UNDEFINED: Final = "the SQL uses it, but the blueprint does not define it"


class VariableError(ValueError):
    """A definition or value that cannot be used; `name` says whose."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"variable {name}: {reason}")
        self.name = name


@dataclass(frozen=True)
class Literals:
    """How an engine writes values. number: from its digits. identifier: None for what cannot be a name there."""

    string: Callable[[str], str]
    number: Callable[[str], str]
    identifier: Callable[[str], str | None]
    identifier_is: str


@dataclass(frozen=True)
class Definition:
    """A variable; `default` None is none."""

    name: str
    type: str = "string"
    default: Any = None
    required: bool = False


def parse_definitions(given: Mapping[str, Any] | None) -> dict[str, Definition]:
    """Definitions by name; a bare scalar is a default of its own type. Raises VariableError."""
    return {name: _definition(name, value) for name, value in (given or {}).items()}


def _definition(name: str, given: Any) -> Definition:
    if not name.isascii() or not name.replace("_", "a").isalnum() or name[0].isdigit():
        raise VariableError(name, "a name consists of letters, digits and underscores and does not begin with a digit")
    if not isinstance(given, Mapping):
        return _checked(Definition(name, _type_of(name, given), given))
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise VariableError(name, f"unknown key {unknown[0]}; there are {', '.join(sorted(_KEYS))}")
    type_ = given.get("type") or "string"
    if type_ not in TYPES:
        raise VariableError(name, f"type must be one of {', '.join(TYPES)}")
    required = given.get("required")
    if not isinstance(required, bool | None):
        raise VariableError(name, "required must be true or false")
    if not isinstance(given.get("description"), str | None):
        raise VariableError(name, "description must be a string")
    return _checked(Definition(name, type_, given.get("default"), bool(required)))


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
    """The SQL with its variables replaced. Raises VariableError (undefined, missing, wrong type) or LexError."""
    given = {name: value for name, value in (values or {}).items() if value is not None}
    for name in given:
        if name not in definitions:
            known = ", ".join(definitions) or "none"
            raise VariableError(name, f"this blueprint does not define it; it defines {known}")
    style = literals or POSTGRES_LITERALS
    texts = {name: _literal_of(definition, given, style) for name, definition in definitions.items()}
    every = list(read(sql))
    for joined in find_adjacent(every, types_of(definitions)):
        raise VariableError(joined.name, joined.reason)
    return "".join([_replaced(token.text, token.name, texts) if token.name else token.text for token in every])


def types_of(definitions: Mapping[str, Definition]) -> Callable[[str], str]:
    """Return a function that says the type of a variable; "" for one that is not defined."""
    return lambda name: definitions[name].type if name in definitions else ""


def sample_values(definitions: Mapping[str, Definition]) -> dict[str, Any]:
    """A value for every variable: its default, else one of its type. For rehearsals."""
    return {
        name: _SAMPLES[definition.type] if definition.default is None else definition.default
        for name, definition in definitions.items()
    }


def _literal_of(definition: Definition, given: Mapping[str, Any], literals: Literals) -> str | None:
    value = given.get(definition.name, definition.default)
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
        raise VariableError(name, "it has no default, and no value was given")
    return value


def literal(definition: Definition, value: Any, literals: Literals | None = None) -> str:
    """A value as it enters the SQL. Raises VariableError when it is not of the variable's type."""
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
    wanted = style.identifier_is if definition.type == "identifier" else f"a {definition.type}"
    if definition.type == "number":
        wanted += ", or its digits in a string"
    raise VariableError(definition.name, f"the value must be {wanted}")


def _is_number(value: Any) -> bool:
    # Whole numbers are finite, also those beyond what `isfinite` can take.
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
