"""What tests build from the sources: once per machine for the same sources, beside what `make setup` has built."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filelock import FileLock

from controlplane.engines.postgres import cluster_cache

_UNUSED_SECONDS = 14 * 86_400
_MADE = ("__pycache__", "build", "node_modules")


def built(name: str, sources: Iterable[Path], build: Callable[[Path], None], directory: Path | None = None) -> Path:
    """Return a directory that `build` has filled; nothing may be written into it.

    Another content of the sources, another interpreter or another environment leads to another directory. Workers that
    need the same one wait for the first of them. directory: of all that is built.
    """
    directory = directory or cluster_cache.default_directory().with_name("tests")
    directory.mkdir(parents=True, exist_ok=True)
    entry = directory / f"{name}-{key(sources)}"
    done = entry.with_suffix(".done")
    with FileLock(entry.with_suffix(".lock")):
        if not done.exists():
            _remove_unused(directory)
            shutil.rmtree(entry, ignore_errors=True)  # a build that was interrupted
            entry.mkdir()
            build(entry)
            done.touch()
        os.utime(done)
    return entry


def key(sources: Iterable[Path]) -> str:
    """Return what tells one build from another."""
    digest = hashlib.sha256("\0".join((sys.version, sys.prefix)).encode())
    for source in sources:
        for path in sorted(_files(source)):
            digest.update(b"\0".join((str(path.relative_to(source)).encode(), path.read_bytes())))
    return digest.hexdigest()[:16]


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    for directory, names, files in os.walk(source):
        names[:] = [name for name in names if name not in _MADE and not name.endswith(".egg-info")]
        yield from (Path(directory, file) for file in files)


def _remove_unused(directory: Path) -> None:
    """Remove what was not used for two weeks."""
    for done in directory.glob("*.done"):
        with contextlib.suppress(OSError):
            if time.time() - done.stat().st_mtime > _UNUSED_SECONDS:
                done.unlink()
                shutil.rmtree(done.with_suffix(""))
