"""Decode wire values into plain Python values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgpack

from resourcekit.field_types import describe
from resourcekit.terraform.cty.msgpack import (
    WireError,
    WireValue,
    convert_at,
    expect_key,
    expect_length,
    expect_list,
    expect_mapping,
)
from resourcekit.terraform.cty.types import (
    CtyCollection,
    CtyDynamic,
    CtyObject,
    CtyPrimitive,
    CtyTuple,
    CtyType,
    parse_type,
)
from resourcekit.unknown import UNKNOWN

# A number with more digits is a mistake, and would take seconds to parse.
_MOST_DIGITS: Final = 4096


def decode(type_: CtyType, value: WireValue) -> Any:
    """Return the plain value, with UNKNOWN in place of each unknown part.

    Raises:
        WireError: The value is not of this type.
    """
    if value is None:
        return None
    if isinstance(value, msgpack.ExtType):
        return UNKNOWN
    match type_:
        case CtyPrimitive(name):
            return _PLAIN_PRIMITIVES[name](value)
        case CtyCollection("map", item):
            return {
                expect_key(name): convert_at(name, decode, item, each) for name, each in expect_mapping(value).items()
            }
        case CtyCollection(_, item):
            return [convert_at(index, decode, item, each) for index, each in enumerate(expect_list(value))]
        case CtyTuple(items):
            values = expect_length(items, value)
            return [convert_at(index, decode, each, values[index]) for index, each in enumerate(items)]
        case CtyObject(attributes):
            return decode_object(attributes, value)
        case CtyDynamic():
            inner, dynamic = decode_dynamic(value)
            return decode(inner, dynamic)


def decode_object(attributes: Mapping[str, CtyType], value: WireValue) -> dict[str, Any]:
    """Return the plain attributes of an object.

    Raises:
        WireError: An attribute of the type is missing, or the type has no such attribute.
    """
    values = expect_mapping(value)
    for name in values:
        if name not in attributes:
            raise WireError("is not an attribute of this type", (expect_key(name),))
    for name in attributes:
        if name not in values:
            raise WireError("is missing", (name,))
    return {name: convert_at(name, decode, each, values[name]) for name, each in attributes.items()}


def to_floats(value: Any) -> Any:
    """Convert the decimals in a plain value to floats, as JSON for an API needs them.

    Terraform's numbers have more digits than JSON's doubles. A plan refuses free-form values that this would round
    (`numbers.py`). Values of a declared number are doubles anyway.
    """
    if isinstance(value, dict):
        return {key: to_floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [to_floats(each) for each in value]
    return to_float(value) if isinstance(value, Decimal) else value


def to_float(value: Any) -> float:
    """Return a decimal as the nearest double.

    Raises:
        WireError: The value is not a finite decimal.
    """
    if isinstance(value, Decimal) and math.isfinite(value):
        return float(value)
    raise WireError(f"is {describe(value)} that JSON cannot hold")


def decode_dynamic(value: WireValue) -> tuple[CtyType, WireValue]:
    """Return the type that a dynamic value carries, and the value."""
    match value:
        case [bytes(type_json) | str(type_json), inner]:
            try:
                return parse_type(json.loads(type_json)), inner
            except (ValueError, RecursionError):
                raise WireError("comes with a type that cannot be read") from None
    raise WireError("must be a value with its type")


def _plain_string(value: WireValue) -> str:
    if isinstance(value, str):
        return value
    raise WireError("must be a string")


def _plain_bool(value: WireValue) -> bool:
    if isinstance(value, bool):
        return value
    raise WireError("must be true or false")


def _plain_number(value: WireValue) -> int | float | Decimal:
    """Return an int for a whole number, a float if it is the same decimal number, else a Decimal."""
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


_PLAIN_PRIMITIVES: Final[Mapping[str, Callable[[WireValue], Any]]] = {
    "string": _plain_string,
    "number": _plain_number,
    "bool": _plain_bool,
}
