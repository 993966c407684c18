"""Validate requests: JSON, fields, UUIDs, and the additional rules of `--strict` (S31, C4, C9, C24).

`--strict` follows the letter of the published documents where they leave room.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, NoReturn, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from controlplane import openapi
from controlplane.http.errors import ApiError, invalid_field, missing_field


def check_query(operation_id: str, names: Iterable[str]) -> None:
    """Check that the operation has these query parameters.

    Raises:
        ApiError: 422, there is an unknown parameter.
    """
    known = openapi.query_parameters(operation_id)
    for name in names:
        if name not in known:
            raise invalid_field(name, "is no parameter of this operation", allowed=sorted(known))


def check_fields(model: type[Body], value: object) -> None:
    """Check that the body has known fields only, and no null that one of the documents forbids.

    Raises:
        ApiError: 422, which names the field.
    """
    if not isinstance(value, dict):
        return
    for name in value:
        if name not in model.model_fields:
            raise invalid_field(name, "is no field of this request", allowed=sorted(model.model_fields))
    for name in model.nulls_rejected_in_strict_mode:
        if name in value and value[name] is None:
            raise invalid_field(name, "must not be null: leave it out")


def check_key(value: str) -> None:
    """Check that an Idempotency-Key is a UUID.

    Raises:
        ApiError: 422, it is not.
    """
    if parse_uuid(value) is None:
        raise invalid_field("Idempotency-Key", "must be a UUID")


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Body(BaseModel):
    """The base of all request bodies. It refuses `"10"` for 10, 1.0 for an integer and true for 1 (S32)."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)
    # Fields for which only one of the documents allows null (C4, C24).
    nulls_rejected_in_strict_mode: ClassVar[tuple[str, ...]] = ()


def parse_uuid(text: str) -> UUID | None:
    """Return a UUID in its hyphenated form, or None."""
    return UUID(text) if _UUID.fullmatch(text) else None


def _uuid_text(text: str) -> str:
    if parse_uuid(text) is None:
        raise ValueError("must be a UUID")
    return text.lower()


UuidText = Annotated[str, AfterValidator(_uuid_text)]
"""A UUID as JSON text."""


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


NonEmptyText = Annotated[str, AfterValidator(_not_empty)]
"""A text with a character other than white space."""

BodyT = TypeVar("BodyT", bound=Body)


def parse_body(model: type[BodyT], value: object) -> BodyT:
    """Return parsed JSON as `model`.

    Raises:
        ApiError: 422, which names the first invalid field, missing fields first.
    """
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
    """Yield every string inside a JSON value, including keys."""
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


MAX_BODY = 1024 * 1024  # bytes
# Read on past the limit, so that the client receives the 413 instead of a connection reset while it sends.
_MAX_DRAIN = 16 * MAX_BODY


async def read_body(request: Request) -> bytes:
    """Return the raw body.

    Raises:
        ApiError: 413 `payload_too_large`, the body is longer than 1 MiB.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        elif size > _MAX_DRAIN:
            break
    if size > MAX_BODY:
        raise ApiError(413, "payload_too_large", f"The request body exceeds {MAX_BODY} bytes.", {"max_bytes": MAX_BODY})
    return b"".join(chunks)


def parse_json(raw: bytes) -> object:
    """Return the JSON value of a body.

    Raises:
        ApiError: 400 `invalid_json`, also for an empty body and for NaN.
    """
    try:
        value: object = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "invalid_json", "The request body is not valid JSON.") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
