"""Whether and when to send a call again: pure decisions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

_RETRIED: Final = frozenset({429, 500, 502, 503, 504})
_BASE_SECONDS: Final = 0.25
_CAP_SECONDS: Final = 15.0
# How long an outage (refused connections, 5xx) is borne; limits (429) are waited out to the deadline.
OUTAGE_SECONDS: Final = 60.0


class RetrySafety(Enum):
    """What a second sending of the same call could do."""

    SAFE = "reads only"
    KEYED = "carries an idempotency key"
    UNSAFE = "would be carried out twice"


class TransportFailure(Enum):
    """How an attempt failed without an answer."""

    NEVER_SENT = "the connection could not be made"
    UNKNOWN = "the connection broke, or the answer was cut off or no JSON"


@dataclass(frozen=True)
class RetryDecision:
    """retry: send it again. wait: at least so many seconds first, as the server asked; None leaves it to the backoff.

    outage: the other side did not answer as a working service would, which is borne for a shorter time than a limit.
    limited: refused for its number of calls, so that others with the same key had better wait too.
    """

    retry: bool
    wait: float | None = None
    outage: bool = False
    limited: bool = False


DO_NOT_RETRY: Final = RetryDecision(retry=False)


def decide_on_response(
    status: int, code: str, headers: Mapping[str, str], safety: RetrySafety, now: datetime
) -> RetryDecision:
    """The verdict on an error answer. The API says that a 429 was not carried out, and that a 500 may be retried with
    the same key (api-facts, Errors and C11).
    """
    asked = retry_after(headers.get("retry-after"), now)
    if code == "idempotency_key_in_progress":
        return RetryDecision(retry=safety is RetrySafety.KEYED, wait=asked)
    if status not in _RETRIED or code in ("query_execution_failed", "daily_query_limit_exceeded"):
        return DO_NOT_RETRY
    if status == 429:
        # A monthly quota does not come back while anyone waits.
        retry = code != "monthly_quota_exceeded"
        return RetryDecision(retry=retry, wait=asked, limited=retry)
    if safety is RetrySafety.UNSAFE:
        return DO_NOT_RETRY
    return RetryDecision(retry=True, wait=asked, outage=True)


def decide_on_failure(failure: TransportFailure, safety: RetrySafety) -> RetryDecision:
    """The verdict on an attempt that got no answer."""
    if failure is TransportFailure.UNKNOWN and safety is RetrySafety.UNSAFE:
        return DO_NOT_RETRY
    return RetryDecision(retry=True, outage=True)


def backoff(attempt: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds before attempt `attempt` + 1 (the first is 1): full jitter under a cap that doubles."""
    return uniform(0.0, min(_CAP_SECONDS, _BASE_SECONDS * 2.0 ** min(attempt, 16)))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number of seconds or an HTTP date. None for anything else."""
    if not header:
        return None
    try:
        return max(0.0, float(int(header.strip())))
    except (ValueError, OverflowError):
        pass
    from email.utils import parsedate_to_datetime  # rarely needed, long to import

    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
