"""The ports and secrets of a data directory, which stay the same over restarts, in one private file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from controlplane.errors import StartupError

_REMEDY = "It contains the ports and secrets of this data directory. Restore it, or choose another --data-dir."


class StateFile:
    """A JSON object of strings. Only its owner can read it, and each change replaces the whole file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)

    def get(self, name: str) -> str | None:
        """Return the stored value, or None."""
        return self._values.get(name)

    def get_or_create(self, name: str, make: Callable[[], str]) -> str:
        """Return the stored value; if there is none, store the one that `make` returns."""
        if name not in self._values:
            self.set(name, make())
        return self._values[name]

    def set(self, name: str, value: str) -> None:
        """Store a value."""
        if self._values.get(name) == value:
            return
        self._values[name] = value
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._values, file)
        fresh.replace(self._path)


def _read(path: Path) -> dict[str, str]:
    """Return the values of the file.

    Raises:
        StartupError: The file cannot be read, or is no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise StartupError(f"{path} cannot be read: {error}. {_REMEDY}") from None
    if not isinstance(values, dict):
        raise StartupError(f"{path} is no JSON object. {_REMEDY}")
    return values
