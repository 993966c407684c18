"""Decisions whether and when to retry a call. Pure functions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

_BASE_SECONDS: Final = 0.25
_CAP_SECONDS: Final = 15.0
# How long calls are retried during an outage (refused connections, 5xx); after a 429, until the deadline.
OUTAGE_SECONDS: Final = 60.0


class RetrySafety(Enum):
    """What sending a call again could do."""

    SAFE = "reads only"
    KEYED = "carries an idempotency key"
    UNSAFE = "would be carried out twice"


@dataclass(frozen=True)
class RetryPolicy:
    """What an API's error responses say about a retry.

    Attributes:
        statuses: The statuses of errors that may pass.
        final_codes: Error codes that do not pass, whatever their status: a used-up quota, a query that failed.
        in_progress_codes: Error codes of a keyed call whose first attempt is still running.
    """

    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})
    final_codes: frozenset[str] = frozenset()
    in_progress_codes: frozenset[str] = frozenset()


DEFAULT_RETRY: Final = RetryPolicy()


class TransportFailure(Enum):
    """How an attempt failed without a response."""

    NEVER_SENT = "the connection could not be made"
    UNKNOWN = "the connection broke, or the response was incomplete or not JSON"


@dataclass(frozen=True)
class RetryDecision:
    """The decision about a failed attempt.

    Attributes:
        retry: Whether to send the call again.
        wait: The minimum pause in seconds, from the server's Retry-After; None if it sent none.
        outage: Whether the service does not work; retries then end after OUTAGE_SECONDS.
        limited: Whether the key's rate limit was exceeded, so that all calls with the key must wait.
    """

    retry: bool
    wait: float | None = None
    outage: bool = False
    limited: bool = False


DO_NOT_RETRY: Final = RetryDecision(retry=False)


def decide_on_response(
    status: int, code: str, headers: Mapping[str, str], safety: RetrySafety, now: datetime, policy: RetryPolicy
) -> RetryDecision:
    """Decide on a response with an error.

    A 429 was not carried out. After another error of the server the call may have been carried out, so it is repeated
    only if that is harmless.
    """
    wait = retry_after(headers.get("retry-after"), now)
    if code in policy.in_progress_codes:
        return RetryDecision(retry=safety is RetrySafety.KEYED, wait=wait)
    if status not in policy.statuses or code in policy.final_codes:
        return DO_NOT_RETRY
    if status == 429:
        return RetryDecision(retry=True, wait=wait, limited=True)
    if safety is RetrySafety.UNSAFE:
        return DO_NOT_RETRY
    return RetryDecision(retry=True, wait=wait, outage=True)


def decide_on_failure(failure: TransportFailure, safety: RetrySafety) -> RetryDecision:
    """Decide on an attempt without a response."""
    if failure is TransportFailure.UNKNOWN and safety is RetrySafety.UNSAFE:
        return DO_NOT_RETRY
    return RetryDecision(retry=True, outage=True)


def backoff(attempt: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds before the attempt after `attempt` (the first is 1): full jitter below a doubling limit."""
    return uniform(0.0, min(_CAP_SECONDS, _BASE_SECONDS * 2.0 ** min(attempt, 16)))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (a number or an HTTP date), or None for anything else."""
    if not header:
        return None
    try:
        return max(0.0, float(int(header.strip())))
    except (ValueError, OverflowError):
        pass
    from email.utils import parsedate_to_datetime  # rarely needed, and slow to import

    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
