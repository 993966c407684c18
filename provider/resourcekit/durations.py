"""Parse Go durations (`1h30m`, `90s`), the engines' notation for time-outs."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+", re.ASCII)
_RULE: Final = "must be a duration above zero, such as 90s, 20m or 1h30m"


def parse_duration(text: str) -> float:
    """Return the duration in seconds.

    Raises:
        ValueError: The text is no duration above zero. The message is the rule.
    """
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)) if _WHOLE.fullmatch(text) else 0.0
    if total <= 0:
        raise ValueError(_RULE)
    return total
