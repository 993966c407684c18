"""The client's cache: one load at a time for each key, and no locks left behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resourcekit.http.cache import TtlCache


def test_a_load_that_fails_leaves_nothing_behind() -> None:
    memory = TtlCache()

    def fail() -> str:
        raise LookupError

    for key in range(100):
        with pytest.raises(LookupError):
            memory.get_or_load(key, fail)
    assert memory._locks == {}
    assert memory.get_or_load(0, lambda: "loaded") == "loaded"
    assert memory._locks == {}


def test_one_thread_loads_at_a_time_though_loads_fail() -> None:
    memory, lock = TtlCache(), threading.Lock()
    overlaps: list[bool] = []

    def load() -> str:
        overlaps.append(not lock.acquire(blocking=False))
        try:
            if len(overlaps) < 20:
                raise LookupError
            return "loaded"
        finally:
            if not overlaps[-1]:
                lock.release()

    def ask(_: int) -> str | None:
        try:
            return memory.get_or_load("key", load)
        except LookupError:
            return None

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(ask, range(100)))
    assert not any(overlaps)
    assert len(overlaps) == 20, "once loaded it is not loaded again"
    assert set(found) == {None, "loaded"}
    assert memory._locks == {}


def test_a_value_is_cached_for_its_time_and_the_least_used_one_is_evicted() -> None:
    now = 0.0
    memory = TtlCache(lambda: now)
    memory.set("short", 1, 10)
    memory.set("long", 2)
    assert (memory.get("short"), memory.get("long")) == (1, 2)
    now = 10.0
    assert (memory.get("short"), memory.get("long")) == (None, 2)
    for number in range(255):
        memory.set(number, number)
    assert memory.get("long") == 2
    memory.set("one more", 3)
    assert memory.get(0) is None
    assert memory.get("long") == 2
