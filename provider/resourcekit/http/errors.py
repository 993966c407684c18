"""The client's errors, in one hierarchy. `str()` of each is a one-line message without secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

T = TypeVar("T")


class ClientError(Exception):
    """Base class of the client's errors."""


class ConfigurationError(ClientError):
    """A setting is invalid."""


class TransportError(ClientError):
    """There is no usable response: the network failed, or the response is incomplete or not JSON."""


class IncompleteListError(TransportError):
    """The response shows that the list is incomplete, so objects that are not in it may exist."""


class UnknownOutcomeError(TransportError):
    """There is no response to a call that may have been carried out and must not be repeated without a check."""


class DeadlineExceededError(ClientError):
    """The time-out of a wait expired."""


class ResponseOverdueError(DeadlineExceededError):
    """The operation's time-out expired during a call, which may have been carried out."""


class OverdueOutcomeError(ResponseOverdueError, UnknownOutcomeError):
    """The operation's time-out expired during a call that must not be repeated without a check."""


class ClientCancelledError(ClientError):
    """The caller's cancel event was set."""


class ApiError(ClientError):
    """The API's response is an error.

    Attributes:
        status: The HTTP status.
        code: The API's error code, such as `missing_required_field`; empty if the response has none.
        message: The API's message.
        details: The API's `details` object.
        request_id: The request's id, for support; empty if the response has none.
        replayed: Whether the API replayed the response to an earlier call with the same idempotency key; a new call may
            have another result.
        key_source: Where the API key of the call comes from, for messages; empty if unknown.
        was_retried: Whether an earlier attempt of the same call may have been carried out, with its response lost.
    """

    key_source: str = ""
    was_retried: bool = False

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        request_id: str = "",
        *,
        replayed: bool = False,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.details: Mapping[str, Any] = details or {}
        self.request_id = request_id
        self.replayed = replayed
        super().__init__(message)

    @property
    def field(self) -> str | None:
        """The invalid request field (422), or None if the API names none."""
        field = self.details.get("field")
        return field if isinstance(field, str) else None

    def __str__(self) -> str:
        facts = [str(self.status), self.code]
        if self.field:
            facts.append(f"field {self.field}")
        allowed = self.details.get("allowed")
        if isinstance(allowed, list):
            facts.append(f"allowed: {', '.join(map(str, allowed))}")
        errors = self.details.get("errors")
        # A service may repeat some or all of its errors in the message.
        more = (
            [text for error in errors if not _contains_words(self.message, text := str(error))]
            if isinstance(errors, list)
            else []
        )
        listed = f": {'; '.join(more)}" if more else ""
        if self.request_id:
            facts.append(self.request_id)
        return f"{self.message.rstrip('.')}{listed} ({', '.join(fact for fact in facts if fact)})"


def _contains_words(message: str, text: str) -> bool:
    """Return whether a message contains a text as whole words."""
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message) is not None


class UnauthorizedError(ApiError):
    """401: the credentials are missing, malformed or unknown."""


class ForbiddenError(ApiError):
    """403: the credentials do not allow the call."""


class NotFoundError(ApiError):
    """404: the object does not exist, or is not visible to the caller."""


class ConflictError(ApiError):
    """409: the request conflicts with the state of the API."""


class IdempotencyConflictError(ConflictError):
    """409: the idempotency key was used with another payload."""


class IdempotencyInProgressError(ConflictError):
    """409: the first call with this key is still running."""


class InvalidRequestError(ApiError):
    """400 or 422: a field is missing or wrong; see `field`."""


class RateLimitedError(ApiError):
    """429: too many requests, or a quota is used up."""


class ServerError(ApiError):
    """5xx: the service failed."""


def read_or_none(read: Callable[[], T]) -> T | None:
    """Return an object, or None if the API does not find it."""
    try:
        return read()
    except NotFoundError:
        return None


# After an unsafe call with one of these, the call may have been carried out.
UNKNOWN_OUTCOME: Final = (UnknownOutcomeError, ServerError)

_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidRequestError,
    429: RateLimitedError,
}


def error_class(
    status: int, code: str = "", by_code: Mapping[str, type[ApiError]] = MappingProxyType({})
) -> type[ApiError]:
    """Return the error class for a response's status and code.

    Args:
        status: The HTTP status.
        code: The API's error code; empty if it has none.
        by_code: The classes of codes whose status says too little.
    """
    return by_code.get(code) or _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
