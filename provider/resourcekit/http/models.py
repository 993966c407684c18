"""Objects of APIs: the base model, and the parsing of responses."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel, ValidationError

from resourcekit.http.errors import ConfigurationError, IncompleteListError, TransportError

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=BaseModel)


def _utc(value: Any) -> Any:
    """Convert a time to UTC. A time without a zone is UTC."""
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a time in UTC") from None


Timestamp = Annotated[datetime, BeforeValidator(_utc)]
# Lists that an API may send as null.
Texts = Annotated[list[str], BeforeValidator(lambda value: value or [])]


class Model(BaseModel):
    """An object of an API. Unknown fields are ignored."""

    # JSON has no infinite numbers, but some services send them.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class JsonObject(RootModel[dict[str, Any]]):
    """An object of an API whose fields are not documented."""


def parse(model: type[ModelT], data: Any) -> ModelT:
    """Return data as a model.

    An optional field that is not as documented is omitted, so that an object is not lost because of a date.

    Raises:
        TransportError: A required field is not as documented. The message names the fields, and no value.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        odd = [detail["loc"] for detail in error.errors()]
    fields = ", ".join(".".join(map(str, at)) or "the object" for at in odd)
    text = f"the API's {model.__name__} is not as documented: {fields}"
    try:
        parsed = model.model_validate(functools.reduce(_without, odd, data))
    except ValidationError:
        raise TransportError(text) from None
    log.warning("%s", text)
    return parsed


def _without(data: Any, path: tuple[int | str, ...]) -> Any:
    """Return data without the value at a path; a list is omitted as a whole."""
    if not path or not isinstance(data, Mapping):
        return data
    head, *rest = path
    inner = data.get(str(head))
    if rest and isinstance(inner, Mapping):
        return {**data, head: _without(inner, tuple(rest))}
    return {name: value for name, value in data.items() if name != head}


def parse_list(model: type[ModelT], items: Any) -> list[ModelT]:
    """Return the items of a list.

    Raises:
        TransportError: An item is not as documented (see `parse`), or there is no list.
    """
    if not isinstance(items, list):
        # An empty list would mean that there are no objects.
        raise IncompleteListError(f"the API's list of {model.__name__} is not as documented: it is not a list")
    return [parse(model, item) for item in items]


def path_segment(value: object) -> str:
    """Return a value as one quoted path segment.

    Raises:
        ConfigurationError: The value would change the path.
    """
    text = str(value)
    # Quoting does not change these, and a server resolves them: a delete would affect another path.
    if text in ("", ".", ".."):
        raise ConfigurationError(f"{text!r} is not an id")
    return quote(text, safe="")


def drop_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def to_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON body of a call: without the fields that are None, and with the API's names in nested objects."""
    return {name: _to_json(value) for name, value in fields.items() if value is not None}


def _to_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    return [_to_json(item) for item in value] if isinstance(value, list | tuple) else value
