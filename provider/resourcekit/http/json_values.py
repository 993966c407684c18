"""JSON of responses, with valid Unicode in every string."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Return JSON with every string in it changed, names included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): map_strings(item, change) for name, item in value.items()}
    return value


def loads(content: bytes) -> Any:
    """Return the value of JSON, with U+FFFD in place of unpaired surrogates.

    An unpaired surrogate is valid in JSON, but cannot be encoded as UTF-8.

    Raises:
        ValueError: The content is not JSON.
        RecursionError: The content is nested too deeply.
    """
    value = json.loads(content)
    if b"\\ud" not in content.lower():
        return value
    return map_strings(value, lambda text: _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text))
