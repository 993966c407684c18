"""The few facts of a data directory that must outlive a restart: ports and secrets, in one private file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from controlplane.errors import StartupError

_WHAT_IT_IS = "It has the ports and secrets of this data directory. Restore it, or choose another --data-dir."


class StateFile:
    """A JSON object of strings, readable by its owner only, replaced as a whole at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)

    def get(self, name: str) -> str | None:
        """Return the stored value, or None."""
        return self._values.get(name)

    def get_or_create(self, name: str, make: Callable[[], str]) -> str:
        """The stored value; made and stored if there is none."""
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
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise StartupError(
            f"{path} cannot be read: {error}. It holds the ports and secrets of this data directory."
        ) from None
    if not isinstance(found, dict):
        raise StartupError(f"{path} is no JSON object. It holds the ports and secrets of this data directory.")
    return found
