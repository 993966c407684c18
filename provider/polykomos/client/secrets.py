"""Values that must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MASK: Final = "********"
# What secrets of this API look like, should a text carry one that we do not know of.
_LOOKS_SECRET = re.compile(r"\b(pk_live_|whsec_)[A-Za-z0-9_-]+|(?<=://)([^\s:/@]+):[^\s/@]+(?=@)")

# What the API masks: a password inside a connection string, or a whole value.
_MASKED_BY_API: Final = re.compile(r":\*{3,}@|^\*{3,}$")


class Secret:
    """A text that `repr`, `str` and logs mask; `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
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
    """`text` without the given secrets and without whatever looks like one of this API's."""
    # The longest first: one that begins like another would leave its end behind.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _LOOKS_SECRET.sub(lambda found: f"{found[1] or found[2] + ':'}{MASK}", text)


def without_mask(value: Any) -> Any:
    """Return None for a text that the API has masked (`postgresql://u42:***@…`), and any other value unchanged."""
    return None if isinstance(value, str) and _MASKED_BY_API.search(value) else value
