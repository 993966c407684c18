"""Cache of values that one run needs several times."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

ValueT = TypeVar("ValueT")
# Few, because the SQL of blueprints may be large.
_MOST: Final = 256


@dataclass
class _KeyLock:
    """The lock of a key, and the number of threads that own it or wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0


class TtlCache:
    """Values by key, shared by all threads; the least recently used are discarded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._locks: dict[Hashable, _KeyLock] = {}

    def get_or_load(self, key: Hashable, load: Callable[[], ValueT], seconds: float = float("inf")) -> ValueT:
        """Return the cached value, or load and cache it.

        Only one thread loads a key at a time. If loading fails, the error is raised, and the next thread loads.

        Args:
            key: The key.
            load: Loads the value.
            seconds: How long the value is cached.
        """
        with self._one_at_a_time(key):
            value: ValueT | None = self.get(key)
            if value is None:
                value = load()
                self.set(key, value, seconds)
        return value

    @contextlib.contextmanager
    def _one_at_a_time(self, key: Hashable) -> Iterator[None]:
        """Lock a key. Its lock exists only while a thread needs it."""
        with self._lock:
            key_lock = self._locks.setdefault(key, _KeyLock())
            key_lock.threads += 1
        try:
            with key_lock.lock:
                yield
        finally:
            with self._lock:
                key_lock.threads -= 1
                if not key_lock.threads:
                    del self._locks[key]

    def set(self, key: Hashable, value: Any, seconds: float = float("inf")) -> None:
        """Cache a value for some seconds."""
        with self._lock:
            self._entries[key] = (self._clock() + seconds, value)
            self._entries.move_to_end(key)
            if len(self._entries) > _MOST:
                self._entries.popitem(last=False)

    def get(self, key: Hashable) -> Any:
        """Return the cached value, or None."""
        with self._lock:
            until, value = self._entries.get(key, (0.0, None))
            if self._clock() >= until:
                self._entries.pop(key, None)
                return None
            self._entries.move_to_end(key)
            return value
