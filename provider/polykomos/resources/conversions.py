"""Conversions between the client's models and states."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from polykomos.client import Secret
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import Database


def reveal(secret: Secret | None) -> str | None:
    """Return the plain value, for a field that the declaration marks as secret."""
    return None if secret is None else secret.reveal()


def format_timestamp(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, whatever format the API used (api-facts C8)."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shared_fields(model: type[BaseModel], source: BaseModel) -> dict[str, Any]:
    """Return the values of an API object's fields that a declared model has too.

    Times are as `format_timestamp` returns them. Secrets are revealed: the declaration marks their fields.
    """
    names = [name for name in model.model_fields if name in type(source).model_fields]
    return {name: _plain(getattr(source, name)) for name in names}


def database_fields(model: type[BaseModel], database: Database) -> dict[str, Any]:
    """Return the fields that a declared model shares with a database, its quotas included."""
    quotas = {} if database.quotas is None else shared_fields(model, database.quotas)
    return {**shared_fields(model, database), **quotas}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return format_timestamp(value)
        case Secret():
            return value.reveal()
        case BaseModel():
            return {name: _plain(each) for name, each in value}
        case list():
            return [_plain(each) for each in value]
    return value


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
