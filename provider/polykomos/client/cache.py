"""Answers that need not be asked for twice in one run."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

AnswerT = TypeVar("AnswerT")
# Of blueprints' SQL, which may be large.
_MOST: Final = 256


@dataclass
class _Turn:
    """The lock of a key, and how many threads hold it or wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0


class TtlCache:
    """Answers by what was asked, shared by all threads; the ones used least recently are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._asking: dict[Hashable, _Turn] = {}

    def get_or_load(self, key: Hashable, ask: Callable[[], AnswerT], seconds: float = float("inf")) -> AnswerT:
        """The answer that is kept, for so long; else what `ask` gives, which only one thread calls at a time.

        What `ask` raises passes through, and whoever waited asks in turn.
        """
        with self._one_at_a_time(key):
            answer: AnswerT | None = self.get(key)
            if answer is None:
                answer = ask()
                self.set(key, answer, seconds)
        return answer

    @contextlib.contextmanager
    def _one_at_a_time(self, key: Hashable) -> Iterator[None]:
        """Let one thread in at a time. The key's lock exists as long as a thread needs it."""
        with self._lock:
            turn = self._asking.setdefault(key, _Turn())
            turn.threads += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.threads -= 1
                if not turn.threads:
                    del self._asking[key]

    def set(self, key: Hashable, answer: Any, seconds: float = float("inf")) -> None:
        """Remember for so long."""
        with self._lock:
            self._kept[key] = (self._clock() + seconds, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def get(self, key: Hashable) -> Any:
        """The answer; None when it is not known any more."""
        with self._lock:
            until, answer = self._kept.get(key, (0.0, None))
            if self._clock() >= until:
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return answer
