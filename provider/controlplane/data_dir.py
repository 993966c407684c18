"""The data directory of a control plane: persistent or ephemeral, and locked by one process at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock
import platformdirs

from controlplane.errors import StartupError

EPHEMERAL_PREFIX = "polykomos-dev-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private directory is made below it
_ROOM_NEEDED = 2_000_000_000  # bytes


class DataDirError(StartupError):
    """The data directory cannot be created or used."""


class DataDirLockedError(StartupError):
    """Another control plane uses this data directory."""


def default_data_dir() -> Path:
    """Return `polykomos/dev` in the platform's directory for state, on Linux $XDG_STATE_HOME or `~/.local/state`.

    An existing directory of an earlier release, which used that path on every platform, stays in use.
    """
    former = Path.home() / ".local" / "state" / "polykomos" / "dev"
    if former.is_dir() and not os.environ.get("XDG_STATE_HOME"):
        return former
    return platformdirs.user_state_path("polykomos", appauthor=False) / "dev"


@contextlib.contextmanager
def open_data_dir(path: Path | None) -> Iterator[Path]:
    """Lock and yield the data directory.

    None = a new one, which is removed at the end.

    Raises:
        DataDirLockedError: Another control plane uses the directory.
        DataDirError: The directory cannot be created or used.
    """
    if path is not None:
        with usable(path, "Choose another --data-dir, or --ephemeral."):
            path.mkdir(parents=True, exist_ok=True)
            path = path.resolve()
            lock = _lock(path)
        if lock is None:
            raise DataDirLockedError(
                f"Another `polykomos dev` is running on {path}. `polykomos dev --env` prints its export lines; "
                f"`polykomos dev --stop` stops it. Or choose another --data-dir, or --ephemeral."
            )
        with lock:
            yield path
        return
    with usable(Path(os.environ.get("TMPDIR", "/tmp")), "Set TMPDIR to a directory that can be written."):  # noqa: S108
        parent = _choose_parent()
        _remove_abandoned(parent)
        directory = Path(tempfile.mkdtemp(prefix=EPHEMERAL_PREFIX, dir=parent))
    # No other process knows this name, so the lock is free.
    with _lock(directory) or contextlib.nullcontext():
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def usable(path: Path, remedy: str) -> Iterator[None]:
    """Turn an error of the file system into a DataDirError that names the directory.

    `remedy` is a sentence that says what to do.
    """
    try:
        yield
    except OSError as error:
        raise DataDirError(f"The data directory {path} cannot be used: {error.strerror or error}. {remedy}") from None


def in_use(directory: Path) -> bool:
    """Return whether a control plane runs on this data directory."""
    if not (directory / "lock").exists():
        return False
    try:
        lock = _lock(directory)
    except OSError:
        return True  # another user's
    if lock is None:
        return True
    lock.close()
    return False


def ephemeral_dirs() -> list[Path]:
    """Return the data directories of this user's ephemeral control planes, including those of crashed ones."""
    parents = dict.fromkeys((_MEMORY, Path(tempfile.gettempdir())))
    directories = [path for parent in parents for path in sorted(parent.glob(f"{EPHEMERAL_PREFIX}*"))]
    return [directory for directory in directories if _is_ours(directory)]


def _is_ours(directory: Path) -> bool:
    """Return whether this user owns the directory. Anyone may create one of this name, so others are not trusted."""
    try:
        return not hasattr(os, "getuid") or directory.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _lock(directory: Path) -> contextlib.ExitStack | None:
    """Return the lock of a directory, which closing releases; None if another process has it."""
    lock = filelock.FileLock(directory / "lock", timeout=0)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except filelock.Timeout:
            return None
        return stack.pop_all()


def _choose_parent() -> Path:
    """Return memory if there is enough: CREATE DATABASE takes a tenth of the time there."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_NEEDED:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _remove_abandoned(parent: Path) -> None:
    """Remove the directories of killed control planes: their locks are free."""
    for directory in parent.glob(f"{EPHEMERAL_PREFIX}*"):
        with contextlib.suppress(OSError):
            if not (directory / "lock").exists():
                continue
            lock = _lock(directory)
            if lock is not None:
                with lock:
                    shutil.rmtree(directory, ignore_errors=True)
