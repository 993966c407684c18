"""Answers that need not be asked for twice in one run."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

# Of blueprints' SQL, which may be large.
_MOST: Final = 256


class Memory:
    """Answers by what was asked, shared by all threads; the ones used least recently are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def keep(self, key: Hashable, answer: Any, seconds: float = float("inf")) -> None:
        """Remember for so long."""
        with self._lock:
            self._kept[key] = (self._clock() + seconds, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def recall(self, key: Hashable) -> Any:
        """The answer; None when it is not known any more."""
        with self._lock:
            until, answer = self._kept.get(key, (0.0, None))
            if self._clock() >= until:
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return answer
