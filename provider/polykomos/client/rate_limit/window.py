"""When the next call may go out under a key's limit: pure decisions. Moments are seconds of one monotonic clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

# The API's minute slides: a call counts for so long.
WINDOW_SECONDS: Final = 60.0
# A handful of calls needs no limit to be known; a run of more than these in a minute does.
LEARN_AFTER_CALLS: Final = 40
# How soon to look again when only an answer under way can make room.
_SOON: Final = 0.25


def seconds_until_slot(
    counted: Sequence[float], *, under_way: int, limit: int | None, paused_until: float, now: float
) -> float:
    """How long the next call must wait; 0 = it may go.

    counted: when the calls of the last WINDOW_SECONDS were answered, oldest first. under_way: sent, not answered yet.
    limit: calls in WINDOW_SECONDS, None = not known or none. paused_until: what the last Retry-After asked for.

    Calls are not spread over the minute: under a window that slides, those that go early are those that come back
    early, so a run ends soonest when nothing waits that need not.
    """
    if now < paused_until:
        return paused_until - now
    over = len(counted) + under_way - limit if limit else -1
    if over < 0:
        return 0.0
    return max(0.0, counted[over] + WINDOW_SECONDS - now) if over < len(counted) else _SOON


def should_fetch_limit(calls: int, *, limit_known: bool) -> bool:
    """Whether asking for the key's limit pays. calls: those of the last WINDOW_SECONDS."""
    return not limit_known and calls >= LEARN_AFTER_CALLS


def parse_limit(account: Any) -> int | None:
    """The limit in the answer of `GET /me`; None when there is none."""
    for name in ("data", "api_key", "controls", "requests_per_minute"):
        account = account.get(name) if isinstance(account, dict) else None
    return account if isinstance(account, int) and account > 0 else None
