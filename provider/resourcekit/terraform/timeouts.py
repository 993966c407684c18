"""The `timeouts` attribute: how long operations may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from resourcekit.declaration import Timeouts
from resourcekit.durations import parse_duration
from resourcekit.errors import CheckFailure
from resourcekit.unknown import UNKNOWN

OPERATIONS: Final = ("create", "update", "delete")
NAME: Final = "timeouts"


def check_timeouts(value: Mapping[str, Any] | Any) -> list[CheckFailure]:
    """Return a failure for each invalid duration in a `timeouts` value. Unknown ones are accepted."""
    failures = []
    for operation, text in (value or {}).items() if isinstance(value, Mapping) else ():
        if text is not None and text is not UNKNOWN:
            try:
                parse_duration(text)
            except ValueError as error:
                failures.append(CheckFailure(f"{NAME}.{operation}", str(error)))
    return failures


def timeout_seconds(configured: Mapping[str, Any] | None, operation: str, defaults: Timeouts) -> float:
    """Return the seconds that an operation may take."""
    text = (configured or {}).get(operation)
    return parse_duration(text) if isinstance(text, str) else float(getattr(defaults, operation))
