"""Encode plain Python values and the JSON of state files as wire values."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from resourcekit.field_types import describe
from resourcekit.terraform.cty.decode import to_float
from resourcekit.terraform.cty.msgpack import (
    WIRE_UNKNOWN,
    WireError,
    WireValue,
    convert_at,
    expect_length,
    expect_list,
    expect_mapping,
    pack,
)
from resourcekit.terraform.cty.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    CtyCollection,
    CtyDynamic,
    CtyObject,
    CtyPrimitive,
    CtyTuple,
    CtyType,
    parse_type,
    type_json_bytes,
)
from resourcekit.unknown import UNKNOWN


def encode(type_: CtyType, value: Any) -> WireValue:
    """Return the wire value of a plain value.

    Raises:
        WireError: The type cannot represent the value.
    """
    if value is None:
        return None
    if value is UNKNOWN:
        return WIRE_UNKNOWN
    match type_:
        case CtyPrimitive(name):
            return _WIRE_PRIMITIVES[name](value)
        case CtyCollection("map", item):
            return {_text(str(key)): convert_at(key, encode, item, each) for key, each in expect_mapping(value).items()}
        case CtyCollection("set", item):
            return list({pack(each): each for each in _items(item, value)}.values())
        case CtyCollection(_, item):
            return _items(item, value)
        case CtyTuple(items):
            return [convert_at(index, encode, each, value[index]) for index, each in enumerate(items)]
        case CtyObject(attributes):
            values = expect_mapping(value)
            return {name: convert_at(name, encode, each, values.get(name)) for name, each in attributes.items()}
        case CtyDynamic():
            own = infer_type(value)
            return [type_json_bytes(own), encode(own, value)]


def infer_type(value: Any) -> CtyType:
    """Return the type that a plain value has without a declaration."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int | float | Decimal):
        return NUMBER
    if isinstance(value, Mapping):
        return CtyObject({_text(str(key)): infer_type(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return CtyTuple(tuple(infer_type(each) for each in value))
    return DYNAMIC if value is None or value is UNKNOWN else STRING


def _items(item: CtyType, value: Any) -> list[WireValue]:
    return [convert_at(index, encode, item, each) for index, each in enumerate(expect_list(value))]


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WireError("contains an unpaired surrogate, which is not a character") from None
    # Terraform normalizes strings too: two encodings of a character are equal.
    return unicodedata.normalize("NFC", value)


def _wire_string(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list | bool | int | float | Decimal):
        return _text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=to_float))
    raise WireError(f"is {describe(value)} where a string belongs")


def _wire_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WireError(f"is {describe(value)} where true or false belongs")


def _wire_number(value: Any) -> int | str:
    # Integers are finite. Some are too large for `isfinite`.
    number = isinstance(value, int) or (isinstance(value, float | Decimal) and math.isfinite(value))
    if isinstance(value, bool) or not number:
        raise WireError(f"is {describe(value)} where a finite number belongs")
    if value == int(value):
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else str(whole)
    return repr(value) if isinstance(value, float) else str(value)


_WIRE_PRIMITIVES: Final[Mapping[str, Callable[[Any], WireValue]]] = {
    "string": _wire_string,
    "number": _wire_number,
    "bool": _wire_bool,
}


def encode_json_state(type_: CtyType, value: Any) -> WireValue:
    """Return the wire value of a value from a state file.

    Args:
        type_: The attribute's type today.
        value: The parsed JSON, with numbers as Decimal or int.

    Raises:
        WireError: The type cannot represent the value.
    """
    if value is None:
        return None
    match type_:
        case CtyCollection("map", item):
            return {key: convert_at(key, encode_json_state, item, each) for key, each in expect_mapping(value).items()}
        case CtyCollection(_, item):
            return [convert_at(index, encode_json_state, item, each) for index, each in enumerate(expect_list(value))]
        case CtyTuple(items):
            values = expect_length(items, value)
            return [convert_at(index, encode_json_state, each, values[index]) for index, each in enumerate(items)]
        case CtyObject(attributes):
            # A state of another release may have other attributes: removed ones are dropped, new ones are null.
            stored = expect_mapping(value)
            return {
                name: convert_at(name, encode_json_state, each, stored.get(name)) for name, each in attributes.items()
            }
        case CtyDynamic():
            try:
                own, inner = parse_type(value["type"]), value["value"]
                type_json = type_json_bytes(own)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise WireError("must be a value with its type") from None
            return [type_json, encode_json_state(own, inner)]
    return encode(type_, value)
