"""When calls may go out under a limit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polykomos.client import Client, RequestOptions
from polykomos.client.api import API, parse_limit
from resourcekit.http import transport
from resourcekit.http.rate_limit.limiter import RateLimiter
from resourcekit.http.rate_limit.shared_usage import FileUsage, open_usage
from resourcekit.http.rate_limit.usage import InMemoryUsage, Usage, current_usage
from resourcekit.http.rate_limit.window import (
    LEARN_AFTER_CALLS,
    WINDOW_SECONDS,
    seconds_until_slot,
    should_fetch_limit,
)
from support.control_plane import wait_until
from support.scripted_server import ScriptedServer, answer, error

KEY = "pk_live_0123456789abcdef"
UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
DONE = answer(200, {"data": {"uuid": UUID, "name": "orders"}})
LATER = float("-inf")


@pytest.mark.parametrize(
    ("counted", "under_way", "limit", "paused_until", "expected"),
    [
        ([], 0, None, LATER, 0),
        ([99.0] * 500, 9, None, LATER, 0),  # no limit known
        ([], 0, 120, 107.0, 7),  # Retry-After comes first
        ([50.0, 90.0], 0, 3, LATER, 0),
        ([50.0, 90.0], 0, 2, LATER, 10),  # the first leaves the minute
        ([50.0, 90.0], 1, 2, LATER, 50),  # the first's place is taken by the one under way
        ([], 2, 2, LATER, 0.25),  # only an answer can make room
    ],
)
def test_when_there_is_room(
    counted: list[float], under_way: int, limit: int | None, paused_until: float, expected: float
) -> None:
    found = seconds_until_slot(counted, under_way=under_way, limit=limit, paused_until=paused_until, now=100.0)
    assert found == pytest.approx(expected)


@given(limit=st.integers(1, 20), pauses=st.lists(st.integers(0, 30), max_size=80))
def test_no_minute_ever_holds_more_than_the_limit(limit: int, pauses: list[int]) -> None:
    now, sent = 0.0, list[float]()
    for pause in pauses:
        now += pause
        while True:
            recent = [moment for moment in sent if moment > now - WINDOW_SECONDS]
            wait = seconds_until_slot(recent, under_way=0, limit=limit, paused_until=LATER, now=now)
            if wait <= 0:
                break
            now += wait
        sent.append(now)
    for at, moment in enumerate(sent):
        within = [other for other in sent[: at + 1] if other > moment - WINDOW_SECONDS]
        assert len(within) <= limit


def test_the_limit_is_learned_when_it_pays() -> None:
    assert not should_fetch_limit(LEARN_AFTER_CALLS - 1, limit_known=False)
    assert should_fetch_limit(LEARN_AFTER_CALLS, limit_known=False)
    assert not should_fetch_limit(1000, limit_known=True)


@pytest.mark.parametrize(
    ("account", "limit"),
    [
        ({"data": {"api_key": {"controls": {"requests_per_minute": 120}}}}, 120),
        ({"data": {"api_key": {"controls": {"requests_per_minute": 0}}}}, None),
        ({"data": {"api_key": {"controls": {}}}}, None),
        ({"data": None}, None),
        ({}, None),
    ],
)
def test_the_limit_in_an_account(account: object, limit: int | None) -> None:
    assert parse_limit(account) == limit


def test_writes_go_before_reads_that_waited_longer() -> None:
    budget, order = RateLimiter(), list[str]()
    stop = threading.Event()
    budget.set_limit(1)

    def turn(name: str, *, write: bool) -> None:
        assert budget.acquire(write=write, deadline=time.monotonic() + 10, cancel=stop, on_wait=lambda _: None)
        order.append(name)
        budget.release(refused_for=0.0)  # not counted: the next may go at once

    assert budget.acquire(write=True, deadline=time.monotonic() + 10, cancel=stop, on_wait=lambda _: None)
    with ThreadPoolExecutor(6) as threads:
        asked = [f"read {number}" for number in range(3)] + [f"write {number}" for number in range(2)]
        for waiting, name in enumerate(asked, 1):
            threads.submit(turn, name, write=name.startswith("write"))
            wait_until(lambda waiting=waiting: len(budget._queue) == waiting)
        budget.release(refused_for=0.0)
    assert order == ["write 0", "write 1", "read 0", "read 1", "read 2"]


def test_retry_after_delays_all_waiting_calls_and_is_reported_once() -> None:
    told: list[str] = []
    steps = [error(429, "rate_limit_exceeded", Retry_After="2"), DONE]
    with ScriptedServer(steps) as server:
        client = Client(base_url=server.base_url, api_key=KEY)
        bound = client.with_options(RequestOptions(time.monotonic() + 30, threading.Event(), told.append))
        began = time.monotonic()

        def ask(number: int) -> float:
            if number:  # one has been refused before the others begin
                wait_until(lambda: told)
            bound.get_database(UUID)
            return time.monotonic() - began

        with ThreadPoolExecutor(8) as threads:
            took = list(threads.map(ask, range(8)))
        assert min(took) >= 2, "nobody went out in between"
        assert len(server.seen) == 1 + 8, "one was refused, and each went once"
    assert told == ["the API key's limit is reached: waiting 2 s"]


def test_a_message_about_a_wait_holds_no_other_call_up() -> None:
    """The engine is slow to take the message: other calls of the client end, and begin, meanwhile."""
    budget, stop = RateLimiter(), threading.Event()
    budget.set_limit(2)
    shown, taken = threading.Event(), threading.Event()

    def say(_: str) -> None:
        shown.set()
        assert taken.wait(30)

    def take(say: Callable[[str], None]) -> bool:
        return budget.acquire(write=True, deadline=time.monotonic() + 60, cancel=stop, on_wait=say)

    assert take(say)
    assert take(say)
    budget.release(refused_for=2.0)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(take, say)
        try:
            assert shown.wait(30)
            assert threads.submit(budget.is_nearly_exhausted).result(10) is False
        finally:
            taken.set()
        assert waiting.result(30)


def test_a_few_calls_do_not_ask_for_the_limit_and_many_ask_once() -> None:
    with ScriptedServer([DONE]) as server:
        client = Client(base_url=server.base_url, api_key=KEY)
        for _ in range(LEARN_AFTER_CALLS):
            client.get_database(UUID)
        assert not [seen for seen in server.seen if seen.path.endswith("/me")]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: client.get_database(UUID), range(LEARN_AFTER_CALLS)))
        assert len([seen for seen in server.seen if seen.path.endswith("/me")]) == 1


@pytest.mark.parametrize("write", [True, False])
def test_the_deadline_and_cancel_end_the_wait(write: bool) -> None:
    budget, stop = RateLimiter(), threading.Event()
    assert budget.acquire(write=True, deadline=time.monotonic() + 1, cancel=stop, on_wait=lambda _: None)
    budget.release(refused_for=60)
    began = time.monotonic()
    assert not budget.acquire(write=write, deadline=began + 0.5, cancel=stop, on_wait=lambda _: None)
    assert 0.4 < time.monotonic() - began < 20


def test_waiting_for_the_limit_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "OUTAGE_SECONDS", 1.5)
    busy = error(429, "rate_limit_exceeded", Retry_After="2")
    with ScriptedServer([busy, error(503, "unavailable"), DONE]) as server:
        Client(base_url=server.base_url, api_key=KEY).get_database(UUID)


def test_processes_share_what_they_know_of_a_key() -> None:
    """Two clients that share no memory: as two processes do, by the file alone."""
    with ScriptedServer([DONE]) as server:
        first, second = (RateLimiter(open_usage(API, server.base_url, KEY)) for _ in range(2))
        other_key = RateLimiter(open_usage(API, server.base_url, KEY + "0"))
        stop, soon = threading.Event(), time.monotonic() + 0.4
        first.set_limit(2)
        for _ in range(2):
            assert first.acquire(write=True, deadline=soon, cancel=stop, on_wait=lambda _: None)
            first.release()
        assert second.is_nearly_exhausted()
        assert not second.should_fetch_limit()
        assert not second.acquire(write=True, deadline=soon, cancel=stop, on_wait=lambda _: None), "it is used up"
        assert other_key.acquire(write=True, deadline=soon, cancel=stop, on_wait=lambda _: None)
    (directory,) = Path(os.environ["XDG_RUNTIME_DIR"]).glob("polykomos")
    assert directory.stat().st_mode & 0o777 == 0o700
    for path in directory.iterdir():
        assert KEY.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_pause_is_shared_and_a_damaged_file_is_ignored() -> None:
    url = "http://127.0.0.1:1/api/v1"
    first, second = (open_usage(API, url, KEY) for _ in range(2))
    now = time.monotonic()
    open_usage(API, url, KEY).pause(now + 86400)
    assert second.usage(now).paused_until < now, "of a clock that was set"
    first.pause(now + 30)
    assert second.usage(now).paused_until == pytest.approx(now + 30, abs=0.1)
    (path,) = (Path(os.environ["XDG_RUNTIME_DIR"]) / "polykomos").iterdir()
    for nonsense in (b"", b"nonsense", b"pkrate01" + b"\xff" * 99):
        path.write_bytes(nonsense)
        assert second.usage(now).calls == []
        first.add_call(now)
    path.write_bytes(b"")
    first.add_call(now)
    assert len(second.usage(now + 1).calls) == 1


def test_a_directory_that_others_may_enter_is_not_used() -> None:
    directory = Path(os.environ["XDG_RUNTIME_DIR"]) / "polykomos"
    directory.mkdir()
    directory.chmod(0o755)
    assert isinstance(open_usage(API, "http://127.0.0.1:1/api/v1", KEY), InMemoryUsage)


def test_what_a_clock_that_was_set_left_behind_does_not_count() -> None:
    found = current_usage([50.0, 99.0, 5000.0], LATER, 120.0, 5000.0, now=100.0)
    assert found == Usage([50.0, 99.0], LATER, None)
    assert current_usage([], 130.0, 120.0, 50.0, now=100.0) == Usage([], 130.0, 120.0)


def test_a_file_that_vanishes_while_old_ones_are_removed_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to nowhere fails as a file does that another process has just removed."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    directory = tmp_path / "polykomos"
    directory.mkdir(mode=0o700)
    (directory / "vanished").symlink_to(tmp_path / "nowhere")
    old = directory / "old"
    old.touch()
    os.utime(old, (0, 0))
    assert isinstance(open_usage(API, "http://127.0.0.1:1/api/v1", KEY), FileUsage)
    assert not old.exists(), "the others are removed all the same"


def test_a_record_that_cannot_be_shared_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    assert isinstance(open_usage(API, "http://127.0.0.1:1/api/v1", KEY), InMemoryUsage)
    assert "the rate limit's usage is not shared with other processes" in caplog.text
    assert {record.levelname for record in caplog.records} == {"WARNING"}
