"""Taking values of variables out of what PostgreSQL says about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"
# Shorter ones are no secrets, and taking every "a" out of an error would leave nothing of it.
_SHORTEST = 3


def values_of(given: Mapping[str, Any] | None, definitions: Mapping[str, Any] | None) -> list[str]:
    """Every value that may have entered the SQL, longest first: those given, and the defaults of the definitions."""
    defaults = [
        definition.get("default") if isinstance(definition, Mapping) else definition
        for definition in (definitions or {}).values()
    ]
    texts = {str(value) for value in [*(given or {}).values(), *defaults] if value is not None}
    quoted = {text.replace("'", "''") for text in texts} | {text.replace('"', '""') for text in texts}
    return sorted((text for text in texts | quoted if len(text) >= _SHORTEST), key=lambda text: (-len(text), text))


def redact(text: str, values: Sequence[str]) -> str:
    """`text` with every one of `values` replaced; whatever case PostgreSQL folded them to."""
    folded = text
    for value in values:
        place = folded.lower().find(value.lower())
        while place >= 0:
            folded = folded[:place] + MASK + folded[place + len(value) :]
            place = folded.lower().find(value.lower(), place + len(MASK))
    return folded
