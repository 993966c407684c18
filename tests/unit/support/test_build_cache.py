"""What tests build is built once for the same sources."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.build_cache import built


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "main.py").write_text("1")
    return source


def test_the_same_sources_are_built_once(source: Path, tmp_path: Path) -> None:
    builds: list[Path] = []
    with ThreadPoolExecutor() as workers:
        found = {*workers.map(lambda _: built("it", [source], builds.append, tmp_path / "cache"), range(4))}
    assert found == {*builds}
    assert len(builds) == 1
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "main.pyc").write_text("made")
    assert built("it", [source], builds.append, tmp_path / "cache") == builds[0]


def test_other_sources_are_built_anew(source: Path, tmp_path: Path) -> None:
    found = set()
    for name, text in (("main.py", "1"), ("main.py", "2"), ("other.py", "2")):
        (source / name).write_text(text)
        found.add(built("it", [source], lambda _: None, tmp_path / "cache"))
    assert len(found) == 3


def test_a_build_that_failed_is_done_again_from_nothing(source: Path, tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        built("it", [source], fail, tmp_path / "cache")
    assert not [
        *built("it", [source], lambda directory: (directory / "whole").touch(), tmp_path / "cache").glob("half")
    ]


def test_what_is_not_used_any_more_is_removed(source: Path, tmp_path: Path) -> None:
    old = built("it", [source], lambda _: None, tmp_path / "cache")
    os.utime(old.with_suffix(".done"), (0, 0))
    (source / "main.py").write_text("2")
    built("it", [source], lambda _: None, tmp_path / "cache")
    assert not old.exists()
