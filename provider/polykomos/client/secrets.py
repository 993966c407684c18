"""Values that must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MASK: Final = "********"
# Patterns of this API's secrets, for texts that may contain an unknown one.
_LOOKS_SECRET = re.compile(r"\b(pk_live_|whsec_)[A-Za-z0-9_-]+|(?<=://)([^\s:/@]+):[^\s/@]+(?=@)")

# What the API masks: a password inside a connection string, or a whole value.
_MASKED_BY_API: Final = re.compile(r":\*{3,}@|^\*{3,}$")


class Secret:
    """A text that `repr`, `str` and logs mask; `reveal()` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without the given secrets and without what looks like one of this API's."""
    # The longest first: if a secret is the beginning of another, the end of that one would remain.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _LOOKS_SECRET.sub(lambda match: f"{match[1] or match[2] + ':'}{MASK}", text)


def without_mask(value: Any) -> Any:
    """Return None for a text that the API masked (`postgresql://u42:***@…`), and any other value unchanged."""
    return None if isinstance(value, str) and _MASKED_BY_API.search(value) else value
