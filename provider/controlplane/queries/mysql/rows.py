"""A row of MySQL as a JSON object. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from controlplane.queries.json_values import json_decimal, json_integer, json_object


def as_json(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the row as an object. A second column of the same name gets the name `name_2`."""
    return json_object(zip(names, map(_value, values), strict=True))


def _value(value: Any) -> Any:
    """Return a value for JSON: times in ISO 8601, bytes in hexadecimal, numbers by the rules of json_values."""
    match value:
        case bool():
            return value
        case int():
            return json_integer(value)
        case Decimal():
            return json_decimal(str(value))
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return _time(value)
        case bytes():
            return "\\x" + value.hex()
        case str() | float() | None:
            return value
    return str(value)


def _time(value: timedelta) -> str:
    """Return a TIME of MySQL, from -838 to 838 hours, as `[-]HH:MM:SS[.ffffff]`."""
    total = abs(value)
    seconds = total.days * 86400 + total.seconds
    sign = "-" if value < timedelta() else ""
    fraction = f".{total.microseconds:06d}" if total.microseconds else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
