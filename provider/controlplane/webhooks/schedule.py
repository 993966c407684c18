"""When to try again (api-facts "Webhooks", the proposal)."""

from __future__ import annotations

from datetime import datetime, timedelta

# Between the end of one attempt and the next.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600))


def next_attempt(event: str, attempts: int, now: datetime) -> datetime | None:
    """When to try again after `attempts` failed ones; None = give up.

    A ping answers whoever asks now, so it is not repeated.
    """
    if event == "ping" or attempts > len(PAUSES):
        return None
    return now + PAUSES[attempts - 1]
