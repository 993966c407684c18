"""The texts in an answer's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

_HALF: Final = re.compile("[\ud800-\udfff]")


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """JSON with every text in it changed, names too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): map_strings(item, change) for name, item in value.items()}
    return value


def loads(content: bytes) -> Any:
    """What the JSON says. Half a character (a lone surrogate) is valid in JSON and no text to anything else: it becomes
    U+FFFD. Raises ValueError, RecursionError.
    """
    found = json.loads(content)
    if b"\\ud" not in content.lower():
        return found
    return map_strings(found, lambda text: _HALF.sub("\N{REPLACEMENT CHARACTER}", text))
