"""Small translations between the client's models and states."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from polykomos.client import Secret
from resourcekit.errors import ResourceError


def reveal(secret: Secret | None) -> str | None:
    """The plain value, for a field that the declaration marks secret."""
    return None if secret is None else secret.reveal()


def format_timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, whatever style the API used (api-facts C8)."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its hyphenated form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def parse_uuid(text: str, rule: str) -> str:
    """`text` as the API spells UUIDs. Raises ResourceError with `rule` for anything else, before any call is made."""
    if not is_uuid(text):
        raise ResourceError(f"{text!r} is no UUID: {rule}")
    return text.lower()
