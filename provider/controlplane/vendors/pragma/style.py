"""The form of Pragma's API, by its public pages (docs/decisions/0082-pragma.md)."""

from __future__ import annotations

from typing import Any

from controlplane.http.errors import ApiError
from controlplane.http.style import ApiStyle

PREFIX = "/pragma"
# The key of a handler's body whose value is the whole JSON of the response.
WHOLE = "items"


def _error_body(error: ApiError) -> dict[str, Any]:
    """Return `{detail: text}`, or for a wrong field `{detail: [{loc, msg, type}]}`."""
    field = error.details.get("field")
    if error.status != 422 or field is None:
        return {"detail": error.message}
    return {"detail": [{"loc": ["body", field], "msg": error.message, "type": f"value_error.{error.code}"}]}


STYLE = ApiStyle(
    prefix=PREFIX,
    error_body=_error_body,
    wrap=lambda body, _: body.get(WHOLE, body),
    is_documented=False,
)
