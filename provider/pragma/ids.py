"""Ids of resources: `resource:{provider}_{resource}_{name}` in the API, `provider/resource/name` for people. Pure."""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "resource:"
# A slash would make `provider/resource/name` ambiguous; the API's own form is ambiguous if a part contains `_`.
PART: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


def resource_id(provider: str, resource: str, name: str) -> str:
    """Return the API's id of a resource."""
    return f"{PREFIX}{provider}_{resource}_{name}"


def normalize(text: str) -> str:
    """Return the API's id for either spelling.

    Raises:
        ValueError: The text is neither.
    """
    parts = text.split("/")
    if len(parts) == 3 and all(re.match(PART, part) for part in parts):
        return resource_id(*parts)
    if text.startswith(PREFIX) and text.count("_") >= 2 and "/" not in text:
        return text
    raise ValueError(f"{text!r} is not the id of a resource: write provider/resource/name, or {PREFIX}…")
