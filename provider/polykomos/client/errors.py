"""The client's errors: those of every HTTP client, and the API's codes that have a class of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from resourcekit.http import errors
from resourcekit.http.errors import (
    ApiError,
    ClientCancelledError,
    ClientError,
    ConfigurationError,
    ConflictError,
    DeadlineExceededError,
    ForbiddenError,
    IdempotencyConflictError,
    IdempotencyInProgressError,
    IncompleteListError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    ResponseOverdueError,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
)

__all__ = [
    "ERRORS_BY_CODE",
    "ApiError",
    "ClientCancelledError",
    "ConfigurationError",
    "ConflictError",
    "DeadlineExceededError",
    "ForbiddenError",
    "IdempotencyConflictError",
    "IdempotencyInProgressError",
    "IncompleteListError",
    "InvalidRequestError",
    "NotFoundError",
    "PolykomosError",
    "RateLimitedError",
    "ResponseOverdueError",
    "ServerError",
    "TransportError",
    "UnauthorizedError",
    "UnknownOutcomeError",
    "error_class",
]

PolykomosError = ClientError
"""Base class of the client's errors."""

ERRORS_BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    "idempotency_key_conflict": IdempotencyConflictError,
    "idempotency_key_in_progress": IdempotencyInProgressError,
}


def error_class(status: int, code: str) -> type[ApiError]:
    """Return the error class for a response's status and code."""
    return errors.error_class(status, code, ERRORS_BY_CODE)
