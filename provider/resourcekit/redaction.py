"""Values that no text may show: an API repeats in its answers what it was given.

What is longer than SHORT characters is taken out wherever it stands. A shorter one ("1", "yes") stands in every other
text by chance: it is taken out where it stands alone in quotes or parentheses, which is how engines repeat a value.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

SHORT: Final = 3


class Redactor:
    """The values of one request that must not be shown. mask: what stands in their place."""

    def __init__(self, values: Iterable[str] = (), mask: str = "[secret]") -> None:
        self._values = [value for value in values if value.strip()]
        self._mask = mask

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """Made when a text is first looked at: most requests have none to show."""
        forms = {form for value in self._values for form in _forms(value)}
        # The longest first: one that begins like another would leave its end behind.
        patterns = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
        return re.compile("|".join(patterns)) if patterns else None

    def redact(self, text: str) -> str:
        """The text without them."""
        return text if self._pattern is None else self._pattern.sub(lambda _: self._mask, text)

    def occurs_in(self, value: Any) -> bool:
        """Whether any text in a plain value shows one of them."""
        return self._pattern is not None and any(self._pattern.search(text) for text in iter_strings(value))


def iter_strings(value: Any) -> Iterator[str]:
    """Every text and number in a plain value, as an error would repeat it; names of entries are not among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from iter_strings(item)


def _forms(value: str) -> Iterator[str]:
    """As it is, inside an SQL literal, and inside JSON."""
    yield value
    yield value.replace("'", "''")
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) > SHORT else rf"""(?<=["'(]){escaped}(?=["')])"""
