"""The declaration of an HTTP API: what distinguishes it from others for the client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resourcekit.http.errors import ApiError
from resourcekit.http.retry import DEFAULT_RETRY, RetryPolicy


@dataclass(frozen=True)
class ErrorBody:
    """The parts of an error's body. Empty: the body has no such part.

    Attributes:
        code: The API's error code.
        message: The API's message.
        details: Further facts; `field` names an invalid field, `allowed` and `errors` are lists.
        request_id: The request's id.
        replayed: Whether the response is a replay of an earlier one with the same idempotency key.
    """

    code: str = ""
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = ""
    replayed: bool = False


def read_text_error(body: Any) -> ErrorBody:
    """Return the text of an error body: `{"error": text}`, `{"message": text}`, `{"detail": text}`; else nothing."""
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            if isinstance(body.get(name), str):
                return ErrorBody(message=body[name])
    return ErrorBody()


@dataclass(frozen=True)
class RateLimitSource:
    """A call whose response has the key's rate limit.

    Attributes:
        path: The path of a GET.
        parse: Returns the calls per minute of a response, or None for no limit.
    """

    path: str
    parse: Callable[[Any], int | None]


@dataclass(frozen=True)
class Api:
    """An HTTP API.

    Attributes:
        name: Its name in lower case, for loggers and files.
        version: The release of the client, for the User-Agent.
        read_error: Returns the parts of an error's parsed body, which may be None or of any type.
        errors_by_code: The classes of error codes whose HTTP status says too little.
        retry: What to retry.
        key_prefixes: The beginnings of its keys, by which they are recognized in texts.
        rate_limit: Where the limit of calls per minute is read; None: only Retry-After limits the calls.
        written_collection: Returns the collection that a call may change, or None for a read. Needed for shared list
            pages only.
        headers: Headers of every request.
    """

    name: str
    version: str
    read_error: Callable[[Any], ErrorBody] = read_text_error
    errors_by_code: Mapping[str, type[ApiError]] = field(default_factory=dict)
    retry: RetryPolicy = DEFAULT_RETRY
    key_prefixes: tuple[str, ...] = ()
    rate_limit: RateLimitSource | None = None
    written_collection: Callable[[str, str], str | None] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> logging.Logger:
        """The client's logger."""
        return logging.getLogger(f"{self.name}.client")
