"""Wire values: what msgpack decodes from the bytes of the protocol.

The provider keeps the wire value beside the plain one, because it must return what Terraform sent unchanged: the type
of a dynamic value, the digits of a number, the refinements of an unknown.

- Any extension is an unknown value. Refinements stay on the wire value; planning does not use them.
- Numbers arrive as integers, floats or digits. The provider sends integers or digits: a binary float would not be the
  decimal number in the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgpack

from resourcekit.terraform.cty.types import CtyType

WireValue = Any
WIRE_UNKNOWN: Final = msgpack.ExtType(0, b"\x00")


class WireError(ValueError):
    """A value is not of the expected type.

    Attributes:
        reason: What is wrong.
        path: Attribute names, map keys and list indexes that lead to the value.
    """

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def unpack(data: bytes) -> WireValue:
    """Decode bytes into a wire value.

    Raises:
        WireError: The bytes are not valid msgpack.
    """
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=msgpack.ExtType)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"the engine sent bytes that are not a msgpack value ({type(error).__name__})") from None


def pack(value: WireValue) -> bytes:
    """Encode a wire value into bytes."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def wire_contains_unknown(value: WireValue) -> bool:
    """Return whether a wire value is unknown or contains an unknown at any depth."""
    if isinstance(value, msgpack.ExtType):
        return True
    if isinstance(value, dict):
        return any(wire_contains_unknown(item) for item in value.values())
    return isinstance(value, list) and any(wire_contains_unknown(item) for item in value)


def convert_at(step: Any, convert: Callable[[CtyType, Any], Any], type_: CtyType, value: Any) -> Any:
    """Convert a nested value; the path of an error includes this step.

    Raises:
        WireError: `convert` raised it, or the value is nested too deeply.
    """
    try:
        return convert(type_, value)
    except WireError as error:
        raise WireError(error.reason, (step, *error.path)) from None
    except RecursionError:
        raise WireError("is nested too deeply", (step,)) from None


def expect_key(value: Any) -> str:
    """Return the key of a map.

    Raises:
        WireError: It is not a string.
    """
    if isinstance(value, str):
        return value
    raise WireError("has a key that is not a string")


def expect_mapping(value: Any) -> dict[Any, Any]:
    """Return an object or a map.

    Raises:
        WireError: The value is neither.
    """
    if isinstance(value, dict):
        return value
    raise WireError("must be an object or a map")


def expect_list(value: Any) -> list[Any]:
    """Return a list.

    Raises:
        WireError: The value is not a list.
    """
    if isinstance(value, list | tuple):
        return list(value)
    raise WireError("must be a list")


def expect_length(items: tuple[CtyType, ...], value: Any) -> list[Any]:
    """Return a list with one value for each type.

    Raises:
        WireError: The value is not a list of this length.
    """
    values = expect_list(value)
    if len(values) != len(items):
        raise WireError(f"must have {len(items)} items, not {len(values)}")
    return values
