"""The secrets of this API: how its keys begin, and what it masks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from resourcekit.http.secrets import MASK, Secret
from resourcekit.http.secrets import redact as redact_by_prefix

__all__ = ["KEY_PREFIXES", "MASK", "Secret", "redact", "without_mask"]

KEY_PREFIXES: Final = ("pk_live_", "whsec_")
# What the API masks: a password inside a connection string, or a whole value.
_MASKED_BY_API: Final = re.compile(r":\*{3,}@|^\*{3,}$")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without the given secrets and without what looks like one of this API's."""
    return redact_by_prefix(text, secrets, KEY_PREFIXES)


def without_mask(value: Any) -> Any:
    """Return None for a text that the API masked (`postgresql://u42:***@…`), and any other value unchanged."""
    return None if isinstance(value, str) and _MASKED_BY_API.search(value) else value
