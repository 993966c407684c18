"""Decisions when a key's limit allows the next call. Pure functions; times are seconds of one monotonic clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# The API's limit has a sliding window: a call counts for this long.
WINDOW_SECONDS: Final = 60.0
# The limit is read only if there are this many calls in a minute; fewer do not need it.
LEARN_AFTER_CALLS: Final = 40
# The pause if only the end of a call in progress can allow the next one.
_SOON: Final = 0.25


def seconds_until_slot(
    counted: Sequence[float], *, under_way: int, limit: int | None, paused_until: float, now: float
) -> float:
    """Return the seconds that the next call must wait; 0 if it may be sent now.

    Calls are not spread over the minute: in a sliding window, a call that is sent early expires early, so a run ends
    soonest if no call waits without need.

    Args:
        counted: The times of the responses of the last WINDOW_SECONDS, oldest first.
        under_way: The number of calls without a response yet.
        limit: The calls per WINDOW_SECONDS; None if unknown or unlimited.
        paused_until: The end of the pause of the last Retry-After.
        now: The current time.
    """
    if now < paused_until:
        return paused_until - now
    over = len(counted) + under_way - limit if limit else -1
    if over < 0:
        return 0.0
    return max(0.0, counted[over] + WINDOW_SECONDS - now) if over < len(counted) else _SOON


def should_fetch_limit(calls: int, *, limit_known: bool) -> bool:
    """Return whether to request the key's limit, after `calls` in the last WINDOW_SECONDS."""
    return not limit_known and calls >= LEARN_AFTER_CALLS
