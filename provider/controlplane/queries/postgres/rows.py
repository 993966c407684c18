"""Rows of PostgreSQL as JSON objects. Pure.

The server writes each row as a JSON object: dates and times in ISO 8601, bytea as hexadecimal text, NaN and infinities
as strings, arrays as arrays, and the value of a json column as it is. Names and numbers follow the rules of
json_values.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from controlplane.queries.json_values import json_decimal, json_integer, json_object

_MAX_DEPTH: Final = 100  # levels; many readers of JSON fail on deeper nesting
_MAX_INTEGER_LENGTH: Final = 17  # characters; a longer text is beyond 2**53, and int() rejects very long ones
_EDGES: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def parse_row(text: str) -> dict[str, Any]:
    """Return one row from the JSON that the server wrote.

    A second column of the same name gets the name `name_2`. A row that is nested too deeply is returned as
    `{"row": text}`.
    """
    if _depth(text) > _MAX_DEPTH:
        return {"row": text}
    row = json.loads(text, object_pairs_hook=json_object, parse_float=json_decimal, parse_int=_integer)
    assert isinstance(row, dict)
    return _without_surrogates(row) if "\\u" in text else row


def _integer(digits: str) -> int | str:
    return digits if len(digits) > _MAX_INTEGER_LENGTH else json_integer(int(digits))


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates: a json column may contain their escapes, but UTF-8 cannot encode them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _depth(text: str) -> int:
    """Return how many arrays and objects are nested in each other at most."""
    deepest = depth = 0
    for edge in _EDGES.finditer(text):
        if edge[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif edge[0] in "]}":
            depth -= 1
    return deepest
