"""From plain Python, and from the JSON of a state file, to values on the wire."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from resourcekit.shapes import described
from resourcekit.terraform.reading import double
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
from resourcekit.terraform.values import WIRE_UNKNOWN, Wire, WireError, at, mapping, one_each, pack, sequence
from resourcekit.unknown import UNKNOWN


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
            return {_text(str(key)): at(key, wire, item, each) for key, each in mapping(value).items()}
        case Collection("set", item):
            return list({pack(each): each for each in _items(item, value)}.values())
        case Collection(_, item):
            return _items(item, value)
        case TupleOf(items):
            return [at(index, wire, each, value[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            values = mapping(value)
            return {name: at(name, wire, each, values.get(name)) for name, each in attributes.items()}
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
    return [at(index, wire, item, each) for index, each in enumerate(sequence(value))]


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WireError("contains an unpaired surrogate, which is no character") from None
    # As Terraform does: two spellings of one character are one string.
    return unicodedata.normalize("NFC", value)


def _wire_string(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list | bool | int | float | Decimal):
        return _text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=double))
    raise WireError(f"is {described(value)} where a string belongs")


def _wire_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WireError(f"is {described(value)} where true or false belongs")


def _wire_number(value: Any) -> int | str:
    # Whole numbers are finite, also those beyond what `isfinite` can take.
    number = isinstance(value, int) or (isinstance(value, float | Decimal) and math.isfinite(value))
    if isinstance(value, bool) or not number:
        raise WireError(f"is {described(value)} where a finite number belongs")
    if value == int(value):
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else str(whole)
    return repr(value) if isinstance(value, float) else str(value)


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
            return {key: at(key, wire_from_json, item, each) for key, each in mapping(value).items()}
        case Collection(_, item):
            return [at(index, wire_from_json, item, each) for index, each in enumerate(sequence(value))]
        case TupleOf(items):
            values = one_each(items, value)
            return [at(index, wire_from_json, each, values[index]) for index, each in enumerate(items)]
        case Structure(attributes):
            # A state of another release may have other attributes: what is gone is dropped, what is new is null.
            given = mapping(value)
            return {name: at(name, wire_from_json, each, given.get(name)) for name, each in attributes.items()}
        case Dynamic():
            try:
                own, inner = parse_constraint(value["type"]), value["value"]
                type_json = constraint_json(own)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise WireError("must be a value with its type") from None
            return [type_json, wire_from_json(own, inner)]
    return wire(type_, value)
