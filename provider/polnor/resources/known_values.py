"""Values that a response lacks."""

from __future__ import annotations

from typing import Any

from resourcekit.fields import Arguments


def known_value(value: Any, known: Arguments | None, name: str) -> Any:
    """Return a value of the API, else the one that is known from the program or the state."""
    return getattr(known, name, None) if value is None else value
