"""What can go wrong with a call, as one hierarchy. `str()` of each is one line for people, without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


class PolykomosError(Exception):
    """The root of all of them."""


class ConfigurationError(PolykomosError):
    """A setting cannot be used."""


class TransportError(PolykomosError):
    """No usable answer came: the network failed, or the answer was cut off or no JSON."""


class IncompleteListError(TransportError):
    """A list's answer shows that it is not the whole list, so that what it lacks may exist all the same."""


class UnknownOutcomeError(TransportError):
    """As TransportError, for a call that may have been carried out and must not be repeated blindly."""


class DeadlineExceededError(PolykomosError):
    """Waiting took longer than it was given."""


class ResponseOverdueError(DeadlineExceededError):
    """The operation's time ran out while a call was under way, which may have been carried out."""


class ClientCancelledError(PolykomosError):
    """The caller's cancel event was set."""


class ApiError(PolykomosError):
    """The API answered with an error.

    status: HTTP status. code: the API's own, such as `missing_required_field`; empty when the body was none of its own.
    details: the API's object. request_id: for support; empty when there was none. replayed: the API answered from its
    record of an earlier call with the same key, which tells nothing of what would happen now. key_source: where the API
    key comes from that the call was made with, for people; empty when that is not known.
    """

    key_source: str = ""

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
        """The request field at fault (422), when the API names one."""
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
        # A service may put its only error, or all of them, into the message as well.
        more = (
            [text for each in errors if not _says(self.message, text := str(each))] if isinstance(errors, list) else []
        )
        listed = f": {'; '.join(more)}" if more else ""
        if self.request_id:
            facts.append(self.request_id)
        return f"{self.message.rstrip('.')}{listed} ({', '.join(fact for fact in facts if fact)})"


def _says(message: str, text: str) -> bool:
    """Whether a message has a text in it as whole words."""
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message) is not None


class UnauthorizedError(ApiError):
    """401: no usable Authorization header."""


class ForbiddenError(ApiError):
    """403: the key is unknown, expired, used from a foreign address, or lacks a scope."""


class NotFoundError(ApiError):
    """404: not there, or not yours."""


class ConflictError(ApiError):
    """409."""


class IdempotencyConflictError(ConflictError):
    """409: the idempotency key was used with another payload."""


class IdempotencyInProgressError(ConflictError):
    """409: the first call with this key is still running."""


class InvalidRequestError(ApiError):
    """400 or 422: a field is missing or wrong; see `field`."""


class RateLimitedError(ApiError):
    """429: too many requests, or a quota is used up."""


class ServerError(ApiError):
    """5xx."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidRequestError,
    429: RateLimitedError,
}
_BY_CODE: Mapping[str, type[ApiError]] = {
    "idempotency_key_conflict": IdempotencyConflictError,
    "idempotency_key_in_progress": IdempotencyInProgressError,
}


def error_class(status: int, code: str) -> type[ApiError]:
    """The class for an answer's status and code."""
    return _BY_CODE.get(code) or _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
