"""`timeouts`: how long operations may take, written as Go durations (`1h30m`, `90s`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from resourcekit.errors import Failure
from resourcekit.resource import Timeouts
from resourcekit.unknown import UNKNOWN

OPERATIONS: Final = ("create", "update", "delete")
NAME: Final = "timeouts"
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+", re.ASCII)
_RULE: Final = "must be a duration above zero, such as 90s, 20m or 1h30m"


def seconds(text: str) -> float:
    """The duration in seconds. Raises ValueError with the rule."""
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)) if _WHOLE.fullmatch(text) else 0.0
    if total <= 0:
        raise ValueError(_RULE)
    return total


def failures(given: Mapping[str, Any] | Any) -> list[Failure]:
    """What is wrong with a `timeouts` value, as far as it is known."""
    found = []
    for operation, text in (given or {}).items() if isinstance(given, Mapping) else ():
        if text is not None and text is not UNKNOWN:
            try:
                seconds(text)
            except ValueError as error:
                found.append(Failure(f"{NAME}.{operation}", str(error)))
    return found


def allowed(given: Mapping[str, Any] | None, operation: str, defaults: Timeouts) -> float:
    """Seconds for an operation."""
    text = (given or {}).get(operation)
    return seconds(text) if isinstance(text, str) else float(getattr(defaults, operation))
