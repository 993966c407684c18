"""Reading request bodies strictly (S31-S33): right types or 422, unknown fields ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from controlplane.http.errors import ApiError, invalid_field, missing_field

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Body(BaseModel):
    """Base of all request bodies. `"10"` for 10, 1.0 for an integer and true for 1 are refused (S32)."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)
    # Fields whose null only one of the documents allows (C4, C24).
    nulls_rejected_in_strict_mode: ClassVar[tuple[str, ...]] = ()


def parse_uuid(text: str) -> UUID | None:
    """The UUID in its hyphenated form, or None."""
    return UUID(text) if _UUID.fullmatch(text) else None


def _uuid_text(text: str) -> str:
    if parse_uuid(text) is None:
        raise ValueError("must be a UUID")
    return text.lower()


UuidText = Annotated[str, AfterValidator(_uuid_text)]
"""A UUID given as JSON text."""

BodyT = TypeVar("BodyT", bound=Body)


def parse_body(model: type[BodyT], value: object) -> BodyT:
    """`value` (parsed JSON) as `model`; raises ApiError 422 naming the first offending field, missing ones first."""
    if not isinstance(value, dict):
        raise ApiError(422, "invalid_field", "The request body must be a JSON object.", {"field": "body"})
    for name in model.model_fields:
        if name in value and any(_UNSTORABLE.search(text) for text in _texts(value[name])):
            raise invalid_field(name, "must not contain NUL characters or lone surrogates")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _as_api_error(error) from None
    except OverflowError:
        raise ApiError(422, "invalid_field", "A number is out of range.", {"field": "body"}) from None


def _texts(value: object) -> Iterator[str]:
    """Every string inside a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _as_api_error(error: ValidationError) -> ApiError:
    problems: list[Any] = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "missing")
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"]) or "body"
    if first["type"] == "missing":
        return missing_field(field)
    return invalid_field(field, str(first["msg"]).removeprefix("Value error, "))
