"""What distinguishes the Polykomos API from others: error bodies, retries, the rate limit, paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from polykomos.client.errors import ERRORS_BY_CODE
from polykomos.client.secrets import KEY_PREFIXES
from polykomos.version import VERSION
from resourcekit.http.api import Api, ErrorBody, RateLimitSource
from resourcekit.http.retry import RetryPolicy

ME: Final = "/me"

RETRY: Final = RetryPolicy(
    # Waiting does not restore a quota, and a failed query would fail again.
    final_codes=frozenset({"query_execution_failed", "daily_query_limit_exceeded", "monthly_quota_exceeded"}),
    in_progress_codes=frozenset({"idempotency_key_in_progress"}),
)


def read_error(body: Any) -> ErrorBody:
    """Return the parts of `{error: {code, message, details}, request_id}`."""
    envelope: Mapping[str, Any] = body if isinstance(body, dict) else {}
    value = envelope.get("error")
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
    details = fields.get("details")
    return ErrorBody(
        code=str(fields.get("code") or ""),
        message=str(fields.get("message") or ""),
        details=details if isinstance(details, dict) else {},
        request_id=str(envelope.get("request_id") or ""),
        # The marker's place in an error's body is not documented.
        replayed=bool(envelope.get("idempotency_replay") or fields.get("idempotency_replay")),
    )


def parse_limit(account: Any) -> int | None:
    """Return the limit in the response of `GET /me`, or None for no limit."""
    for name in ("data", "api_key", "controls", "requests_per_minute"):
        account = account.get(name) if isinstance(account, dict) else None
    return account if isinstance(account, int) and account > 0 else None


def written_collection(method: str, path: str) -> str | None:
    """Return the collection that a call may change, by its name in paths; None for a read.

    `POST /databases/{uuid}/blueprint_applications` adds to that list and does not change the database's object.
    """
    if method == "GET":
        return None
    parts = path.strip("/").split("/")
    return parts[2] if method == "POST" and len(parts) == 3 else parts[0]


LIMIT: Final = RateLimitSource(ME, parse_limit)
API: Final = Api(
    name="polykomos",
    version=VERSION,
    read_error=read_error,
    errors_by_code=ERRORS_BY_CODE,
    retry=RETRY,
    key_prefixes=KEY_PREFIXES,
    rate_limit=LIMIT,
    written_collection=written_collection,
)
