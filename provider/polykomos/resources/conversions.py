"""Conversions between the client's models and states."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from polykomos.client import Secret
from resourcekit.errors import ResourceError


def reveal(secret: Secret | None) -> str | None:
    """Return the plain value, for a field that the declaration marks as secret."""
    return None if secret is None else secret.reveal()


def format_timestamp(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, whatever format the API used (api-facts C8)."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in its hyphenated form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def parse_uuid(text: str, rule: str) -> str:
    """Return a UUID as the API spells it, in lower case.

    `rule` says what the value must be.

    Raises:
        ResourceError: The text is not a UUID. No call is made for it.
    """
    if not is_uuid(text):
        raise ResourceError(f"{text!r} is not a UUID: {rule}")
    return text.lower()
