"""The plugins' log: its level, and the part of an exception that it may contain."""

from __future__ import annotations

import traceback
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "critical")


def parse_level(text: str | None, default: str) -> tuple[str, str]:
    """Return the log level and the problem with the text; the problem is empty if there is none.

    An unknown level is replaced by `default`.
    """
    level = (text or default).strip().lower()
    if level in LEVELS:
        return level, ""
    return default, f"{text!r} is not a log level, so {default} is used; expected one of {', '.join(LEVELS)}"


def stack_locations(error: BaseException) -> list[str]:
    """Return the files and lines of an exception's traceback, without values, which could be secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
