"""Mask values of variables in an engine's messages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "***"
# Shorter values are no secrets, and an error without every "a" would be unreadable.
_SHORTEST = 3
# Engines quote only the beginning of a long value, so this many characters are enough to recognise one.
_BEGINNING = 12


def values_of(values: Mapping[str, Any] | None, definitions: Mapping[str, Any] | None) -> list[str]:
    """Return every value that may be in the SQL, longest first: variables' values, and defaults of definitions."""
    defaults = [
        definition.get("default") if isinstance(definition, Mapping) else definition
        for definition in (definitions or {}).values()
    ]
    texts = {str(value) for value in [*(values or {}).values(), *defaults] if value is not None}
    quoted = {text.replace("'", "''") for text in texts} | {text.replace('"', '""') for text in texts}
    quoted |= {text.replace("\\", "\\\\").replace("'", "\\'") for text in texts}
    return sorted((text for text in texts | quoted if len(text) >= _SHORTEST), key=lambda text: (-len(text), text))


def redact(text: str, values: Sequence[str]) -> str:
    """Replace every one of `values`, or a long beginning of one, in a text. Case is ignored."""
    for value in values:
        # Lower case is not compared as a whole: for some letters it is longer than the letter.
        beginning = re.compile(re.escape(value[:_BEGINNING]), re.IGNORECASE)
        match = beginning.search(text)
        while match:
            start, end = match.span()
            while end < len(text) and text[end].lower() == value[end - start : end - start + 1].lower():
                end += 1
            text = text[:start] + MASK + text[end:]
            match = beginning.search(text, start + len(MASK))
    return text
