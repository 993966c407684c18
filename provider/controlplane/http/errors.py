"""Errors of the API: status, code, message, details (api-facts "Errors")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """Ends a request with this status and error body. Everything that the handler changed is rolled back."""

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
        """Return the body of the response without the request id."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def not_found(resource: str) -> ApiError:
    """Return a 404: the object does not exist, is not the caller's, or has a malformed id (S34)."""
    return ApiError(404, "not_found", f"No such {resource.replace('_', ' ')}.", {"resource": resource})


def missing_field(field: str) -> ApiError:
    """Return a 422 in the wording that the reference shows."""
    return ApiError(422, "missing_required_field", f"Missing required field: {field}", {"field": field})


def invalid_field(field: str, reason: str, *, allowed: Sequence[str] | None = None) -> ApiError:
    """Return a 422 that names the field.

    Args:
        field: The field or parameter.
        reason: What is wrong with it; completes "Invalid field: `field`: ".
        allowed: The accepted values, if there are few (S10).
    """
    details: dict[str, Any] = {"field": field}
    if allowed is not None:
        details["allowed"] = list(allowed)
    return ApiError(422, "invalid_field", f"Invalid field: {field}: {reason}", details)


def invalid_cursor() -> ApiError:
    """Return a 422: `starting_after` is not the id of an item of this list."""
    return ApiError(
        422, "invalid_cursor", "starting_after is not the id of an item of this list.", {"field": "starting_after"}
    )


def forbidden(code: str, message: str, details: Mapping[str, Any] | None = None) -> ApiError:
    """Return a 403."""
    return ApiError(403, code, message, details)
