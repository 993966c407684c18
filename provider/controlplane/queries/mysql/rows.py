"""A row of MySQL's as JSON that every reader takes, by the rules of rows.py. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

_SAFE_INTEGER: Final = 2**53


def as_json(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """The row as an object. A second column of the same name is called `name_2`."""
    found: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        free, number = name, 2
        while free in found:
            free, number = f"{name}_{number}", number + 1
        found[free] = _value(value)
    return found


def _value(value: Any) -> Any:
    """Times in ISO 8601, bytes as hexadecimal text, numbers that a double does not hold exactly as their digits."""
    match value:
        case int() if abs(value) > _SAFE_INTEGER:
            return str(value)
        case Decimal():
            as_double = float(value)
            return as_double if Decimal(repr(as_double)) == value else str(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return _time(value)
        case bytes():
            return "\\x" + value.hex()
        case str() | int() | float() | None:
            return value
    return str(value)


def _time(value: timedelta) -> str:
    """MySQL's TIME, which reaches from -838 to 838 hours."""
    total = abs(value)
    seconds = total.days * 86400 + total.seconds
    sign = "-" if value < timedelta() else ""
    fraction = f".{total.microseconds:06d}" if total.microseconds else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
