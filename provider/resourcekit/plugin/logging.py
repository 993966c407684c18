"""The plugins' log: which records are kept, and what of an error may stand in one."""

from __future__ import annotations

import traceback
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "critical")


def parse_level(given: str | None, default: str) -> tuple[str, str]:
    """The level to log at, and what is wrong with the given one; empty when nothing is."""
    wanted = (given or default).strip().lower()
    if wanted in LEVELS:
        return wanted, ""
    return default, f"{given!r} is no log level, {default} is used; there are {', '.join(LEVELS)}"


def stack_locations(error: BaseException) -> list[str]:
    """Where it was raised: files and lines, no values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
