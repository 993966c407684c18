"""Rows as JSON that every reader takes. Pure.

The server writes each row as a JSON object: dates and times in ISO 8601, bytea as hexadecimal text, NaN and infinities
as strings, arrays as arrays, json as what it holds. What is left to decide here: a number stays one if a double holds
exactly its digits (so every reader gets the same number), and is a string of its digits otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

_SAFE_INTEGER: Final = 2**53
_DEEPEST: Final = 100  # levels; readers of JSON give up somewhere beyond
_EDGES: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def parse_row(text: str) -> dict[str, Any]:
    """One row of the server's JSON. A second column of the same name is called `name_2`."""
    if _depth(text) > _DEEPEST:
        return {"row": text}  # too deep for most readers: whole, as text
    row = json.loads(text, object_pairs_hook=_distinct, parse_float=_number, parse_int=_integer)
    assert isinstance(row, dict)
    return _storable(row) if "\\u" in text else row


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        free, number = name, 2
        while free in found:
            free, number = f"{name}_{number}", number + 1
        found[free] = value
    return found


def _integer(digits: str) -> int | str:
    if len(digits) > 17 or abs(int(digits)) > _SAFE_INTEGER:
        return digits
    return int(digits)


def _number(digits: str) -> float | str:
    number = float(digits)
    if number in (float("inf"), float("-inf")) or Decimal(repr(number)) != Decimal(digits):
        return digits
    return number


def _storable(value: Any) -> Any:
    """Without lone surrogates, which a json column may hold as an escape and UTF-8 cannot."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    for edge in _EDGES.finditer(text):
        if edge[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif edge[0] in "]}":
            depth -= 1
    return deepest
