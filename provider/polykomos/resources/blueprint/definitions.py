"""Check of values against a blueprint's variables, by the API's rules for an application. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from polykomos.resources.blueprint.schema import is_number_text, normalize_variables
from resourcekit.errors import CheckFailure
from resourcekit.unknown import contains_unknown


def misfits(property: str, definitions: Mapping[str, Any] | None, values: Mapping[str, Any]) -> Iterator[CheckFailure]:
    """Yield the errors in the values of a blueprint's variables, as far as the values are known.

    `property` is the argument that contains the values. Each may be UNKNOWN.

    Yields:
        A failure for each value without a variable, of a wrong type, or missing although it is required.
    """
    known = normalize_variables(definitions or {})
    for name, value in values.items():
        if name not in known:
            defined = ", ".join(f"`{variable}`" for variable in known) or "none"
            yield CheckFailure(f"{property}.{name}", f"the blueprint has no such variable; it has {defined}")
        elif value is not None and not contains_unknown(value) and not _is_of(known[name].get("type"), value):
            yield CheckFailure(f"{property}.{name}", f"must be {_EXPECTED[known[name]['type']]}")
    for name, definition in known.items():
        if values.get(name) is None and definition.get("required"):
            yield CheckFailure(property, f"the blueprint's variable `{name}` is required: give it a value")


def without_value(definitions: Mapping[str, Any] | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables with neither a value nor a default; the API rejects SQL that uses one of them."""
    known = normalize_variables(definitions or {})
    return tuple(
        name for name, definition in known.items() if values.get(name) is None and definition.get("default") is None
    )


_LONGEST_IDENTIFIER = 64  # characters, on MySQL; PostgreSQL takes 63 bytes
_EXPECTED = {
    "string": "a string",
    "identifier": "the name of an object in the database, of 1 to 63 characters",
    "number": "a number, or its digits in a string",
    "boolean": "true or false",
}


def _is_of(type_: Any, value: Any) -> bool:
    match type_:
        case "boolean":
            return isinstance(value, bool)
        case "number":
            # A string can contain digits that a floating-point number would lose.
            if isinstance(value, str):
                return is_number_text(value)
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "identifier":
            return isinstance(value, str) and 0 < len(value) <= _LONGEST_IDENTIFIER
    return True
