"""What `--strict` refuses besides: the letter of the documents where they leave room (S31, C4, C9, C24)."""

from __future__ import annotations

from collections.abc import Iterable

from controlplane import openapi
from controlplane.http.errors import invalid_field
from controlplane.http.fields import Body, parse_uuid


def check_query(operation_id: str, names: Iterable[str]) -> None:
    """Raises 422 for a parameter that the operation does not have."""
    known = openapi.query_parameters(operation_id)
    for name in names:
        if name not in known:
            raise invalid_field(name, "is no parameter of this operation", allowed=sorted(known))


def check_fields(model: type[Body], value: object) -> None:
    """Raises 422 for a field that the body does not have, or that may not be null in both documents."""
    if not isinstance(value, dict):
        return
    for name in value:
        if name not in model.model_fields:
            raise invalid_field(name, "is no field of this request", allowed=sorted(model.model_fields))
    for name in model.nulls_rejected_in_strict_mode:
        if name in value and value[name] is None:
            raise invalid_field(name, "must not be null: leave it out")


def check_key(value: str) -> None:
    """Raises 422 for an Idempotency-Key that is no UUID."""
    if parse_uuid(value) is None:
        raise invalid_field("Idempotency-Key", "must be a UUID")
