"""Requests a minute for each key: a sliding window, so that no two bursts meet at a border."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime

from controlplane.http.errors import ApiError

_WINDOW = 60.0


class RateLimiter:
    """Counts admitted requests of the last 60 s; refused ones do not count (S36). In memory, per process."""

    def __init__(self) -> None:
        self._admitted: dict[int, deque[float]] = {}

    def admit(self, key_id: int, limit: int, now: datetime) -> None:
        """Count one request of the key; raises 429 with Retry-After (whole seconds) over `limit`. 0 = no limit."""
        if limit <= 0:
            return
        moment = now.timestamp()
        times = self._admitted.setdefault(key_id, deque())
        while times and times[0] <= moment - _WINDOW:
            times.popleft()
        if len(times) >= limit:
            wait = max(1, math.ceil(times[0] + _WINDOW - moment))
            raise ApiError(
                429,
                "rate_limit_exceeded",
                "Rate limit exceeded for this API key.",
                headers={"Retry-After": str(wait)},
            )
        times.append(moment)
