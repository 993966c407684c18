"""The client's cache: one load at a time for each key, and no locks left behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from polykomos.client.memory import Memory


def test_a_load_that_fails_leaves_nothing_behind() -> None:
    memory = Memory()

    def fail() -> str:
        raise LookupError

    for key in range(100):
        with pytest.raises(LookupError):
            memory.once(key, fail)
    assert memory._asking == {}
    assert memory.once(0, lambda: "loaded") == "loaded"
    assert memory._asking == {}


def test_one_thread_loads_at_a_time_though_loads_fail() -> None:
    memory, lock = Memory(), threading.Lock()
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
            return memory.once("key", load)
        except LookupError:
            return None

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(ask, range(100)))
    assert not any(overlaps)
    assert len(overlaps) == 20, "once loaded it is not loaded again"
    assert set(found) == {None, "loaded"}
    assert memory._asking == {}


def test_an_answer_is_kept_for_its_time_and_the_least_used_one_goes() -> None:
    now = 0.0
    memory = Memory(lambda: now)
    memory.keep("short", 1, 10)
    memory.keep("long", 2)
    assert (memory.recall("short"), memory.recall("long")) == (1, 2)
    now = 10.0
    assert (memory.recall("short"), memory.recall("long")) == (None, 2)
    for number in range(255):
        memory.keep(number, number)
    assert memory.recall("long") == 2
    memory.keep("one more", 3)
    assert memory.recall(0) is None
    assert memory.recall("long") == 2
