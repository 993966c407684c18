"""Values on the wire (msgpack) and as plain Python.

A *wire* value is what msgpack makes of the bytes. It is kept beside the plain one because what Terraform sent has to
come back unchanged: the type of a dynamic value, the digits of a number, what is known of an unknown.

- Any extension is an unknown value; refinements are kept on the wire value and mean nothing to planning.
- Numbers arrive as integers, floats or digits. They leave as integers or digits: a binary float would not be the
  decimal number that the program wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgpack

from resourcekit.terraform.cty.types import CtyType

WireValue = Any
WIRE_UNKNOWN: Final = msgpack.ExtType(0, b"\x00")


class WireError(ValueError):
    """Not a value of the expected type. path: attribute names, map keys and list indexes down to it."""

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def unpack(data: bytes) -> WireValue:
    """The wire value in the bytes. Raises WireError for bytes that are none."""
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=msgpack.ExtType)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"the engine sent bytes that are no value ({type(error).__name__})") from None


def pack(value: WireValue) -> bytes:
    """The bytes of a wire value."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def wire_contains_unknown(value: WireValue) -> bool:
    """Whether a wire value is unknown or holds an unknown at any depth."""
    if isinstance(value, msgpack.ExtType):
        return True
    if isinstance(value, dict):
        return any(wire_contains_unknown(item) for item in value.values())
    return isinstance(value, list) and any(wire_contains_unknown(item) for item in value)


def convert_at(step: Any, convert: Callable[[CtyType, Any], Any], type_: CtyType, value: Any) -> Any:
    """What `convert` makes of a value; its errors name this step too."""
    try:
        return convert(type_, value)
    except WireError as error:
        raise WireError(error.reason, (step, *error.path)) from None
    except RecursionError:
        raise WireError("is nested too deeply", (step,)) from None


def expect_key(value: Any) -> str:
    """The key of a map. Raises WireError."""
    if isinstance(value, str):
        return value
    raise WireError("has a key that is no string")


def expect_mapping(value: Any) -> dict[Any, Any]:
    """What must be an object or a map. Raises WireError."""
    if isinstance(value, dict):
        return value
    raise WireError("must be an object or a map")


def expect_list(value: Any) -> list[Any]:
    """What must be a list. Raises WireError."""
    if isinstance(value, list | tuple):
        return list(value)
    raise WireError("must be a list")


def expect_length(items: tuple[CtyType, ...], value: Any) -> list[Any]:
    """What must be a list with one value for each type. Raises WireError."""
    values = expect_list(value)
    if len(values) != len(items):
        raise WireError(f"must have {len(items)} items, not {len(values)}")
    return values
