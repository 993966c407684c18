"""What a read does next, and what is remembered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from polykomos.client.api import written_collection
from resourcekit.http.cache import TtlCache
from resourcekit.http.list_cache.policy import CacheView, ReadStep, freshness_cutoff, next_step

# A listing of which two pages are read, and five reads asked for; it is neither ended nor being read.
KNOWN = CacheView(
    seen_at=None, last_at=100.0, pages=2, ended=False, loading=False, reads=5, is_first_read=False, oldest=95.0
)  # fmt: skip


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (replace(KNOWN, seen_at=96.0), ReadStep.LISTED),
        (replace(KNOWN, seen_at=96.0, is_first_read=True, loading=True, is_unavailable=True), ReadStep.LISTED),
        (KNOWN, ReadStep.PAGE),
        (replace(KNOWN, loading=True), ReadStep.WAIT),
        (replace(KNOWN, is_unavailable=True), ReadStep.SINGLE),
        (replace(KNOWN, is_first_read=True), ReadStep.SINGLE),
        (replace(KNOWN, is_first_read=True, has_single_get=False), ReadStep.PAGE),
        (replace(KNOWN, seen_at=94.0), ReadStep.RESTART),
        (replace(KNOWN, last_at=94.0), ReadStep.RESTART),
        (replace(KNOWN, last_at=None, pages=0), ReadStep.RESTART),
        (replace(KNOWN, ended=True), ReadStep.SINGLE),
        (replace(KNOWN, pages=5), ReadStep.SINGLE),
        (replace(KNOWN, pages=5, has_single_get=False), ReadStep.PAGE),
        (replace(KNOWN, pages=7, reads=7), ReadStep.SINGLE),
        (replace(KNOWN, pages=15, reads=8), ReadStep.PAGE),
        (replace(KNOWN, pages=16, reads=8), ReadStep.SINGLE),
    ],
)
def test_the_next_step(known: CacheView, step: ReadStep) -> None:
    assert next_step(known) is step


def test_a_page_is_old_by_its_age_and_by_a_write() -> None:
    assert freshness_cutoff(100.0, 10.0, float("-inf")) == 90.0
    assert freshness_cutoff(100.0, 10.0, 97.0) == 97.0


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/databases/1", None),
        ("POST", "/databases", "databases"),
        ("PATCH", "/databases/1", "databases"),
        ("PATCH", "/databases/1/quotas", "databases"),
        ("DELETE", "/databases/1", "databases"),
        ("POST", "/databases/1/blueprint_applications", "blueprint_applications"),
        ("POST", "/blueprint_validations", "blueprint_validations"),
        ("DELETE", "/webhook_endpoints/1", "webhook_endpoints"),
    ],
)
def test_which_list_a_call_may_change(method: str, path: str, kind: str | None) -> None:
    assert written_collection(method, path) == kind


def test_those_who_ask_the_same_at_once_ask_once() -> None:
    memory, asked = TtlCache(), list[int]()

    def ask() -> str:
        asked.append(1)
        time.sleep(0.2)
        return "answer"

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: memory.get_or_load("key", ask), range(8))) == {"answer"}
    assert asked == [1]


def test_a_failure_is_not_remembered() -> None:
    memory, first = TtlCache(), threading.Event()

    def ask() -> str:
        if not first.is_set():
            first.set()
            raise TimeoutError
        return "answer"

    with pytest.raises(TimeoutError):
        memory.get_or_load("key", ask)
    assert memory.get_or_load("key", ask) == "answer"


def test_cached_values_expire_and_the_oldest_are_evicted() -> None:
    now = [0.0]
    memory = TtlCache(lambda: now[0])
    memory.set("short", 1, seconds=5)
    now[0] = 4.9
    assert memory.get("short") == 1
    now[0] = 5.0
    assert memory.get("short") is None
    for number in range(300):
        memory.set(number, number)
    assert (memory.get(0), memory.get(299)) == (None, 299)
