"""Values that must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MASK: Final = "********"
# Secrets that are recognized by their form: a password inside a URL.
_IN_URL: Final = re.compile(r"(?<=://)([^\s:/@]+):[^\s/@]+(?=@)")


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


def redact(text: str, secrets: Iterable[str] = (), prefixes: Iterable[str] = ()) -> str:
    """Return a text without secrets.

    Args:
        text: The text.
        secrets: Known secrets.
        prefixes: The beginnings of an API's keys, by which unknown secrets are recognized. Passwords in URLs always
            are.
    """
    # The longest first: if a secret is the beginning of another, the end of that one would remain.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for prefix in prefixes:
        if prefix in text:
            text = re.sub(rf"\b({re.escape(prefix)})[A-Za-z0-9_-]+", rf"\1{MASK}", text)
    return _IN_URL.sub(rf"\1:{MASK}", text)
