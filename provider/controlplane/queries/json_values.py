"""Rows as JSON objects that every reader decodes to the same values. Pure.

Readers of JSON differ in what they do with repeated names and with numbers beyond a double's precision. So names are
made distinct here, and a number that a double cannot represent exactly becomes a string of its digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

MAX_SAFE_INTEGER: Final = 2**53
_INFINITIES: Final = (float("inf"), float("-inf"))


def json_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as an object. A second value of the same name gets the name `name_2`."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        key, number = name, 2
        while key in values:
            key, number = f"{name}_{number}", number + 1
        values[key] = value
    return values


def json_integer(number: int) -> int | str:
    """Return the integer, or its digits beyond 2**53, from where a double skips integers."""
    return number if abs(number) <= MAX_SAFE_INTEGER else str(number)


def json_decimal(digits: str) -> float | str:
    """Return the decimal number as a double if the double has the same digits, else the digits."""
    number = float(digits)
    # Infinities first: Decimal does not accept every exponent that a json column may contain.
    return digits if number in _INFINITIES or Decimal(repr(number)) != Decimal(digits) else number
