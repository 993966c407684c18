"""Errors as the API speaks them: status, code, message, details (api-facts "Errors")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """Ends a call with this status and error body; everything that the handler changed is rolled back."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The reply's body but for the request id."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def not_found(resource: str) -> ApiError:
    """404: there is none, it is not yours, or its id is malformed (S34)."""
    return ApiError(404, "not_found", f"No such {resource.replace('_', ' ')}.", {"resource": resource})


def missing_field(field: str) -> ApiError:
    """422 in the one wording that the reference shows."""
    return ApiError(422, "missing_required_field", f"Missing required field: {field}", {"field": field})


def invalid_field(field: str, reason: str, *, allowed: Sequence[str] | None = None) -> ApiError:
    """422 naming the field; `allowed` lists the accepted values where they are few (S10)."""
    details: dict[str, Any] = {"field": field}
    if allowed is not None:
        details["allowed"] = list(allowed)
    return ApiError(422, "invalid_field", f"Invalid field: {field}: {reason}", details)


def invalid_cursor() -> ApiError:
    """422: `starting_after` is not the id of an item of this list."""
    return ApiError(
        422, "invalid_cursor", "starting_after is not the id of an item of this list.", {"field": "starting_after"}
    )


def forbidden(code: str, message: str, details: Mapping[str, Any] | None = None) -> ApiError:
    """403."""
    return ApiError(403, code, message, details)
