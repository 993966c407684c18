"""The form of Polnor's API: errors, quotas, pages, ids. What its page does not show is chosen here."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from controlplane.db.pool import Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import ApiError
from controlplane.http.responses import ApiResponse
from controlplane.http.style import ApiStyle
from controlplane.vendors.polnor import login

PREFIX: Final = "/polnor/api/v1"
# The page documents 400, 401, 403, 404, 409 and 429. An unknown or expired key is a 401 here.
_STATUSES: Final = {422: 400}
_KEY_CODES: Final = ("invalid_api_key", "expired_api_key")


def error_of(error: ApiError) -> ApiError:
    """Return the error with a status that the page documents, if it has one for it."""
    status = 401 if error.code in _KEY_CODES else _STATUSES.get(error.status, error.status)
    return ApiError(status, error.code, error.message, error.details, headers=error.headers)


STYLE = ApiStyle(
    prefix=PREFIX,
    error_of=error_of,
    authenticate=login.identify,
    public={("POST", "/auth/login"): login.log_in},
    error_body=lambda error: {"error": error.message},
    # A bare array is passed as the only item of a dict without a name.
    wrap=lambda body, _: body[""] if list(body) == [""] else body,
    is_documented=False,
)


def bare(items: list[dict[str, Any]]) -> ApiResponse:
    """Return a response whose body is an array."""
    return ApiResponse(200, {"": items})


def conflict(message: str) -> ApiError:
    """Return a 409."""
    return ApiError(409, "conflict", message)


def over_quota(name: str, limit: int, current: int) -> ApiError:
    """Return a 429 in the wording of the page: `max_running_runs=10, current=10`."""
    return ApiError(429, "quota", f"{name}={limit}, current={current}")


def new_id(prefix: str) -> str:
    """Return a new id, such as `cmp_8f21a0c4`."""
    return f"{prefix}_{secrets.token_hex(4)}"


def page(call: RequestContext, rows: Sequence[Row], view: Callable[[Row], dict[str, Any]]) -> ApiResponse:
    """Return the page of a list that `limit` (default 50, at most 200) and `cursor` name.

    Raises:
        ApiError: 400, the cursor is none of this list's.
    """
    limit = call.query_integer("limit", default=50, least=1, most=200)
    start = _position(call.query.get("cursor"))
    more = {"next_cursor": _cursor(start + limit)} if len(rows) > start + limit else {}
    return ApiResponse(200, {"data": [view(row) for row in rows[start : start + limit]], **more})


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f'{{"at":{position}}}'.encode()).decode()


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
        return int(text.removeprefix('{"at":').removesuffix("}"))
    except (ValueError, binascii.Error):
        raise ApiError(400, "invalid_cursor", "Invalid cursor.") from None
