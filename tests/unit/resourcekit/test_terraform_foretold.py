"""Plans that the processes of one command hand on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from resourcekit.terraform import foretold
from resourcekit.terraform.foretold import Foretold


@pytest.fixture
def fd() -> Iterator[int]:
    fd = os.memfd_create("test")
    yield fd
    os.close(fd)


def test_what_one_keeps_another_takes_once(fd: int) -> None:
    first, second = Foretold(fd), Foretold(fd)
    first.keep(b"asked", b"answer")
    first.keep(b"else", b"other")
    assert second.take(b"never") is None
    assert second.take(b"asked") == b"answer"
    assert second.take(b"asked") is None
    assert first.take(b"asked") is None
    assert first.take(b"else") == b"other"


def test_a_later_answer_stands_for_an_earlier_one(fd: int) -> None:
    first, second = Foretold(fd), Foretold(fd)
    first.keep(b"asked", b"answer")
    second.keep(b"asked", b"now")
    assert first.take(b"asked") == b"now"


def test_processes_share_it(fd: int) -> None:
    mine = Foretold(fd)
    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            for each in range(50):
                mine.keep(f"{number} {each}".encode(), bytes([number]) * each + b"!")
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    for number in range(4):
        for each in range(50):
            assert mine.take(f"{number} {each}".encode()) == bytes([number]) * each + b"!"


def test_one_alone_keeps_nothing() -> None:
    alone = Foretold(None)
    alone.keep(b"asked", b"answer")
    assert alone.take(b"asked") is None


def test_it_is_forgotten_in_time_and_has_a_size(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foretold, "_SECONDS", -1.0)
    Foretold(fd).keep(b"asked", b"answer")
    assert Foretold(fd).take(b"asked") is None
    monkeypatch.undo()
    monkeypatch.setattr(foretold, "_MOST_BYTES", os.fstat(fd).st_size)
    Foretold(fd).keep(b"more", b"answer")
    assert Foretold(fd).take(b"more") is None
