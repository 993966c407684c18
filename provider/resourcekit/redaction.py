"""Redaction: remove secret values from texts and find them in values. APIs repeat request values in their responses.

Both engines' adapters use this module for every text that leaves the provider. Words: a *secret* is a value that must
not be shown; to *redact* a text is to replace each secret with a *placeholder*.

A secret of more than SHORT characters is replaced wherever it occurs. A shorter one ("1", "yes") occurs in many texts
by chance, so it is replaced only if it stands alone in quotes or parentheses, as database engines repeat a value.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

SHORT: Final = 3
# What stands for a secret, in the words of the engine that shows the text.
PLACEHOLDER: Final = "[secret]"
TERRAFORM_PLACEHOLDER: Final = "(sensitive value)"


class Redactor:
    """Redacts the secrets of one request. Blank ones are ignored."""

    def __init__(self, secrets: Iterable[str] = (), placeholder: str = PLACEHOLDER) -> None:
        self._secrets = [secret for secret in secrets if secret.strip()]
        self._placeholder = placeholder

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """The pattern of all secrets, built on first use: most requests have no text to redact."""
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        # The longest first: a secret that is the beginning of another one would leave the other one's end.
        patterns = [_pattern(spelling) for spelling in sorted(spellings, key=len, reverse=True)]
        return re.compile("|".join(patterns)) if patterns else None

    def redact(self, text: str) -> str:
        """Return the text with each secret replaced."""
        return text if self._pattern is None else self._pattern.sub(lambda _: self._placeholder, text)

    def occurs_in(self, value: Any) -> bool:
        """Return whether any text in a plain value contains a secret."""
        return self._pattern is not None and any(self._pattern.search(text) for text in iter_strings(value))


def iter_strings(value: Any) -> Iterator[str]:
    """Yield every string and number in a plain value, as an error would repeat it. Keys of maps are left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from iter_strings(item)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, as in an SQL literal, and as in JSON."""
    yield secret
    yield secret.replace("'", "''")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def _pattern(spelling: str) -> str:
    escaped = re.escape(spelling)
    return escaped if len(spelling) > SHORT else rf"""(?<=["'(]){escaped}(?=["')])"""
