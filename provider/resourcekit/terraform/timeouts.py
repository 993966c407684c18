"""`timeouts`: how long operations may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from resourcekit.durations import parse_duration
from resourcekit.errors import CheckFailure
from resourcekit.resource import Timeouts
from resourcekit.unknown import UNKNOWN

OPERATIONS: Final = ("create", "update", "delete")
NAME: Final = "timeouts"


def check_timeouts(given: Mapping[str, Any] | Any) -> list[CheckFailure]:
    """What is wrong with a `timeouts` value, as far as it is known."""
    found = []
    for operation, text in (given or {}).items() if isinstance(given, Mapping) else ():
        if text is not None and text is not UNKNOWN:
            try:
                parse_duration(text)
            except ValueError as error:
                found.append(CheckFailure(f"{NAME}.{operation}", str(error)))
    return found


def timeout_seconds(given: Mapping[str, Any] | None, operation: str, defaults: Timeouts) -> float:
    """Seconds for an operation."""
    text = (given or {}).get(operation)
    return parse_duration(text) if isinstance(text, str) else float(getattr(defaults, operation))
