"""The form of Polytomic's API. What its page does not show is chosen here (docs/decisions/0081-polytomic.md)."""

from __future__ import annotations

import base64
from typing import Any

from controlplane.http.auth import bearer_token
from controlplane.http.errors import ApiError
from controlplane.http.style import ApiStyle

PREFIX = "/polytomic"
# The page documents 400, 404 and 500 only.
_STATUSES = {422: 400}


def read_key(header: str | None) -> str:
    """Return the key of a bearer token, or of HTTP Basic: its password, or its user if the password is empty.

    Raises:
        ApiError: 401, the header is missing or malformed.
    """
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return bearer_token(header)
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except ValueError:
        user = password = ""
    return bearer_token(f"Bearer {password or user}")


def error_of(error: ApiError) -> ApiError:
    """Return the error with a status that the page documents, if it has one for it."""
    status = _STATUSES.get(error.status, error.status)
    return ApiError(status, error.code, error.message, error.details, headers=error.headers)


def _error_body(error: ApiError) -> dict[str, Any]:
    return {"message": error.message}


STYLE = ApiStyle(
    prefix=PREFIX,
    read_key=read_key,
    error_of=error_of,
    error_body=_error_body,
    wrap=lambda body, _: body,
    is_documented=False,
)
