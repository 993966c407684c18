"""Answers that need not be asked for twice in one run."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

AnswerT = TypeVar("AnswerT")
# Of blueprints' SQL, which may be large.
_MOST: Final = 256


class Memory:
    """Answers by what was asked, shared by all threads; the ones used least recently are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._asking: dict[Hashable, threading.Lock] = {}

    def once(self, key: Hashable, ask: Callable[[], AnswerT], seconds: float = float("inf")) -> AnswerT:
        """The answer that is kept, for so long; else what `ask` gives, which only one thread calls at a time.

        What `ask` raises passes through, and whoever waited asks in turn.
        """
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            answer: AnswerT | None = self.recall(key)
            if answer is None:
                answer = ask()
                self.keep(key, answer, seconds)
        with self._lock:
            self._asking.pop(key, None)
        return answer

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
