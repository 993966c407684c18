"""Taking values of variables out of what an engine says about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"
# Shorter ones are no secrets, and taking every "a" out of an error would leave nothing of it.
_SHORTEST = 3
# Engines quote the beginning of a long value only, so that much of it is enough to take it for one.
_BEGINNING = 12


def values_of(given: Mapping[str, Any] | None, definitions: Mapping[str, Any] | None) -> list[str]:
    """Every value that may have entered the SQL, longest first: those given, and the defaults of the definitions."""
    defaults = [
        definition.get("default") if isinstance(definition, Mapping) else definition
        for definition in (definitions or {}).values()
    ]
    texts = {str(value) for value in [*(given or {}).values(), *defaults] if value is not None}
    quoted = {text.replace("'", "''") for text in texts} | {text.replace('"', '""') for text in texts}
    quoted |= {text.replace("\\", "\\\\").replace("'", "\\'") for text in texts}
    return sorted((text for text in texts | quoted if len(text) >= _SHORTEST), key=lambda text: (-len(text), text))


def redact(text: str, values: Sequence[str]) -> str:
    """`text` with every one of `values`, or a long beginning of one, replaced; whatever case it was folded to."""
    for value in values:
        # Not by comparing lower case, which for some letters is longer than the letter.
        beginning = re.compile(re.escape(value[:_BEGINNING]), re.IGNORECASE)
        found = beginning.search(text)
        while found:
            start, end = found.span()
            while end < len(text) and text[end].lower() == value[end - start : end - start + 1].lower():
                end += 1
            text = text[:start] + MASK + text[end:]
            found = beginning.search(text, start + len(MASK))
    return text
