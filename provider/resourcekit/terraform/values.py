"""Values on the wire (msgpack) and as plain Python.

A *wire* value is what msgpack makes of the bytes. It is kept beside the plain one because what Terraform sent has to
come back unchanged: the type of a dynamic value, the digits of a number, what is known of an unknown.

- Any extension is an unknown value; refinements are kept on the wire value and mean nothing to planning.
- Numbers arrive as integers, floats or digits. They leave as integers or digits: a binary float would not be the
  decimal number that the program wrote.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgpack

from resourcekit.terraform.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    Collection,
    CtyType,
    Dynamic,
    Primitive,
    Structure,
    TupleOf,
    constraint_json,
    parse_constraint,
)
from resourcekit.unknown import UNKNOWN

Wire = Any
WIRE_UNKNOWN: Final = msgpack.ExtType(0, b"\x00")
# More digits than this are no number that anyone means, and would take seconds to read.
_MOST_DIGITS: Final = 4096


class WireError(ValueError):
    """Not a value of the expected type. path: attribute names, map keys and list indexes down to it."""

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def unpack(data: bytes) -> Wire:
    """The wire value in the bytes. Raises WireError for bytes that are none."""
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=msgpack.ExtType)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"the engine sent bytes that are no value ({type(error).__name__})") from None


def pack(value: Wire) -> bytes:
    """The bytes of a wire value."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def is_unknown(value: Wire) -> bool:
    """Whether a wire value is unknown or holds an unknown at any depth."""
    if isinstance(value, msgpack.ExtType):
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    return isinstance(value, list) and any(is_unknown(item) for item in value)


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
            return {_key(key): _at(key, plain, item, each) for key, each in _mapping(value).items()}
        case Collection(_, item):
            return [_at(index, plain, item, each) for index, each in enumerate(_sequence(value))]
        case TupleOf(items):
            values = _one_each(items, value)
            return [_at(index, plain, each, values[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            return attributes_of(attributes, value)
        case Dynamic():
            inner, dynamic = typed(value)
            return plain(inner, dynamic)


def attributes_of(attributes: Mapping[str, CtyType], value: Wire) -> dict[str, Any]:
    """The plain attributes of an object; it must have those of its type and no others."""
    values = _mapping(value)
    for name in values:
        if name not in attributes:
            raise WireError("is no attribute of this type", (_key(name),))
    for name in attributes:
        if name not in values:
            raise WireError("is missing", (name,))
    return {name: _at(name, plain, each, values[name]) for name, each in attributes.items()}


def doubles(value: Any) -> Any:
    """The same plain value as an API takes it: JSON's numbers are doubles, Terraform's have more digits."""
    if isinstance(value, Mapping):
        return {key: doubles(each) for key, each in value.items()}
    if isinstance(value, list):
        return [doubles(each) for each in value]
    return _double(value) if isinstance(value, Decimal) else value


def typed(value: Wire) -> tuple[CtyType, Wire]:
    """A dynamic value's own type, and the value."""
    match value:
        case [bytes(type_json) | str(type_json), inner]:
            try:
                return parse_constraint(json.loads(type_json)), inner
            except (ValueError, RecursionError):
                raise WireError("comes with a type that cannot be read") from None
    raise WireError("must be a value with its type")


def wire(type_: CtyType, value: Any) -> Wire:
    """The wire value of a plain one. Raises WireError for one that the type cannot hold."""
    if value is None:
        return None
    if value is UNKNOWN:
        return WIRE_UNKNOWN
    match type_:
        case Primitive(name):
            return _WIRE_PRIMITIVES[name](value)
        case Collection("map", item):
            return {_text(str(key)): _at(key, wire, item, each) for key, each in _mapping(value).items()}
        case Collection("set", item):
            return list({pack(each): each for each in _items(item, value)}.values())
        case Collection(_, item):
            return _items(item, value)
        case TupleOf(items):
            return [_at(index, wire, each, value[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            values = _mapping(value)
            return {name: _at(name, wire, each, values.get(name)) for name, each in attributes.items()}
        case Dynamic():
            own = type_of_value(value)
            return [constraint_json(own), wire(own, value)]


def type_of_value(value: Any) -> CtyType:
    """The type that a plain value has by itself."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int | float | Decimal):
        return NUMBER
    if isinstance(value, Mapping):
        return Structure({_text(str(key)): type_of_value(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return TupleOf(tuple(type_of_value(each) for each in value))
    return DYNAMIC if value is None or value is UNKNOWN else STRING


def _items(item: CtyType, value: Any) -> list[Wire]:
    return [_at(index, wire, item, each) for index, each in enumerate(_sequence(value))]


def _at(step: Any, convert: Callable[[CtyType, Any], Any], type_: CtyType, value: Any) -> Any:
    try:
        return convert(type_, value)
    except WireError as error:
        raise WireError(error.reason, (step, *error.path)) from None
    except RecursionError:
        raise WireError("is nested too deeply", (step,)) from None


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise WireError("has a key that is no string")


def _mapping(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    raise WireError("must be an object or a map")


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise WireError("must be a list")


def _one_each(items: tuple[CtyType, ...], value: Any) -> list[Any]:
    values = _sequence(value)
    if len(values) != len(items):
        raise WireError(f"must have {len(items)} items, not {len(values)}")
    return values


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


def _text(value: str) -> str:
    # As Terraform does: two spellings of one character are one string.
    return unicodedata.normalize("NFC", value)


def _wire_string(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list | bool | int | float | Decimal):
        return _text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=_double))
    raise WireError(f"is a {type(value).__name__} where a string belongs")


def _double(value: Any) -> float:
    if isinstance(value, Decimal) and math.isfinite(value):
        return float(value)
    raise WireError(f"holds a {type(value).__name__} that JSON cannot hold")


def _wire_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WireError(f"is a {type(value).__name__} where true or false belongs")


def _wire_number(value: Any) -> int | str:
    # Whole numbers are finite, also those beyond what `isfinite` can take.
    number = isinstance(value, int) or (isinstance(value, float | Decimal) and math.isfinite(value))
    if isinstance(value, bool) or not number:
        raise WireError(f"is a {type(value).__name__} where a finite number belongs")
    if value == int(value):
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else str(whole)
    return repr(value) if isinstance(value, float) else str(value)


_PLAIN_PRIMITIVES: Final[Mapping[str, Callable[[Wire], Any]]] = {
    "string": _plain_string,
    "number": _plain_number,
    "bool": _plain_bool,
}
_WIRE_PRIMITIVES: Final[Mapping[str, Callable[[Any], Wire]]] = {
    "string": _wire_string,
    "number": _wire_number,
    "bool": _wire_bool,
}


def wire_from_json(type_: CtyType, value: Any) -> Wire:
    """The wire value of a state file's JSON (numbers as Decimal or int). Raises WireError."""
    if value is None:
        return None
    match type_:
        case Collection("map", item):
            return {key: _at(key, wire_from_json, item, each) for key, each in _mapping(value).items()}
        case Collection(_, item):
            return [_at(index, wire_from_json, item, each) for index, each in enumerate(_sequence(value))]
        case TupleOf(items):
            values = _one_each(items, value)
            return [_at(index, wire_from_json, each, values[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            # A state of another release may have other attributes: what is gone is dropped, what is new is null.
            given = _mapping(value)
            return {name: _at(name, wire_from_json, each, given.get(name)) for name, each in attributes.items()}
        case Dynamic():
            try:
                own, inner = parse_constraint(value["type"]), value["value"]
                type_json = constraint_json(own)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise WireError("must be a value with its type") from None
            return [type_json, wire_from_json(own, inner)]
    return wire(type_, value)
