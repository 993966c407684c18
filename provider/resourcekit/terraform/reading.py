"""From values on the wire to plain Python."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgpack

from resourcekit.shapes import described
from resourcekit.terraform.types import Collection, CtyType, Dynamic, Primitive, Structure, TupleOf, parse_constraint
from resourcekit.terraform.values import Wire, WireError, at, key, mapping, one_each, sequence
from resourcekit.unknown import UNKNOWN

# More digits than this are no number that anyone means, and would take seconds to read.
_MOST_DIGITS: Final = 4096


def plain(type_: CtyType, value: Wire) -> Any:
    """The plain value; UNKNOWN for unknowns at their places. Raises WireError."""
    if value is None:
        return None
    if isinstance(value, msgpack.ExtType):
        return UNKNOWN
    match type_:
        case Primitive(name):
            return _PLAIN_PRIMITIVES[name](value)
        case Collection("map", item):
            return {key(name): at(name, plain, item, each) for name, each in mapping(value).items()}
        case Collection(_, item):
            return [at(index, plain, item, each) for index, each in enumerate(sequence(value))]
        case TupleOf(items):
            values = one_each(items, value)
            return [at(index, plain, each, values[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            return attributes_of(attributes, value)
        case Dynamic():
            inner, dynamic = typed(value)
            return plain(inner, dynamic)


def attributes_of(attributes: Mapping[str, CtyType], value: Wire) -> dict[str, Any]:
    """The plain attributes of an object; it must have those of its type and no others."""
    values = mapping(value)
    for name in values:
        if name not in attributes:
            raise WireError("is no attribute of this type", (key(name),))
    for name in attributes:
        if name not in values:
            raise WireError("is missing", (name,))
    return {name: at(name, plain, each, values[name]) for name, each in attributes.items()}


def doubles(value: Any) -> Any:
    """The same plain value as an API takes it: JSON's numbers are doubles, Terraform's have more digits.

    A plan refuses free-form values that this would round (`numbers.py`). Those of a declared number are doubles anyway.
    """
    if isinstance(value, dict):
        return {key: doubles(each) for key, each in value.items()}
    if isinstance(value, list):
        return [doubles(each) for each in value]
    return double(value) if isinstance(value, Decimal) else value


def double(value: Any) -> float:
    """A number with more digits as JSON holds it. Raises WireError for what is none."""
    if isinstance(value, Decimal) and math.isfinite(value):
        return float(value)
    raise WireError(f"is {described(value)} that JSON cannot hold")


def typed(value: Wire) -> tuple[CtyType, Wire]:
    """A dynamic value's own type, and the value."""
    match value:
        case [bytes(type_json) | str(type_json), inner]:
            try:
                return parse_constraint(json.loads(type_json)), inner
            except (ValueError, RecursionError):
                raise WireError("comes with a type that cannot be read") from None
    raise WireError("must be a value with its type")


def _plain_string(value: Wire) -> str:
    if isinstance(value, str):
        return value
    raise WireError("must be a string")


def _plain_bool(value: Wire) -> bool:
    if isinstance(value, bool):
        return value
    raise WireError("must be true or false")


def _plain_number(value: Wire) -> int | float | Decimal:
    """An int where it is whole, float where that is the same decimal number, else Decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WireError("must be a number")
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) > _MOST_DIGITS:
        raise WireError("has too many digits")
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise WireError("must be a number") from None
    if not exact.is_finite() or abs(exact.adjusted()) > _MOST_DIGITS:
        raise WireError("must be a finite number")
    if exact == exact.to_integral_value():
        return int(exact)
    rounded = float(exact)
    return rounded if Decimal(repr(rounded)) == exact else exact


_PLAIN_PRIMITIVES: Final[Mapping[str, Callable[[Wire], Any]]] = {
    "string": _plain_string,
    "number": _plain_number,
    "bool": _plain_bool,
}
