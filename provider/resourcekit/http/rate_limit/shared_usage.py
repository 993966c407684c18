"""Usage of an API key in a small file that all processes of this user on this machine share. It contains no key.

Engines start a plugin several times for one command, and the rate limit applies to all of these processes together.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import stat
import struct
import tempfile
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from resourcekit.http.api import Api
from resourcekit.http.rate_limit.usage import InMemoryUsage, Usage, UsageStore, current_usage

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_HEAD: Final = struct.Struct("<8s4d")  # format, paused until, limit, when it was read, number of calls
_FORM: Final = b"pkrate01"
# More than the calls per minute of a limit that matters; with more calls, the oldest are overwritten early.
_SLOTS: Final = 1024
_MOST: Final = 2.0**52  # the highest number of calls that a float represents exactly
_DAY: Final = 86400.0
# No service requests a longer pause: a later time was written before the clock was changed.
_HOUR: Final = 3600.0
_Head = tuple[float, float, float, float]


class FileUsage:
    """Usage in a file, and in this process's memory as a fallback if the file fails.

    The file contains wall-clock times, which are valid after a restart of the machine.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be opened, or belongs to another user.
    """

    def __init__(self, path: Path) -> None:
        self._own = InMemoryUsage()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._file).st_uid != os.getuid():
            os.close(self._file)
            raise PermissionError(f"{path} belongs to another user")

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.close(self._file)

    def usage(self, now: float) -> Usage:
        """Return the usage by all processes."""
        try:
            with self._locked(fcntl.LOCK_SH):
                (paused, limit, learned, _), calls = self._read()
        except OSError:
            return self._own.usage(now)
        ahead = _ahead()
        shared = current_usage((moment - ahead for moment in calls), paused - ahead, limit, learned - ahead, now)
        own = self._own.usage(now).paused_until
        return replace(shared, paused_until=max(own, shared.paused_until if shared.paused_until < now + _HOUR else own))

    def add_call(self, now: float) -> None:
        """Record a call."""
        self._own.add_call(now)
        with self._changing() as (paused, limit, learned, count):
            os.pwrite(self._file, struct.pack("<d", now + _ahead()), _HEAD.size + 8 * (int(count) % _SLOTS))
            self._write(paused, limit, learned, count + 1)

    def pause(self, until: float) -> None:
        """Record a pause of all calls."""
        self._own.pause(until)
        with self._changing() as (_, limit, learned, count):
            self._write(until + _ahead(), limit, learned, count)

    def set_limit(self, limit: float, now: float) -> None:
        """Record the key's limit."""
        self._own.set_limit(limit, now)
        with self._changing() as (paused, _, _, count):
            self._write(paused, limit, now + _ahead(), count)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Head]:
        """Lock and read the file for a change. An error of the file must not fail a call."""
        with contextlib.suppress(OSError), self._locked(fcntl.LOCK_EX):
            yield self._read()[0]

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        fcntl.flock(self._file, how)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _read(self) -> tuple[_Head, array[float]]:
        data = os.pread(self._file, _HEAD.size + 8 * _SLOTS, 0)
        calls = array("d")
        if len(data) < _HEAD.size or not data.startswith(_FORM):
            return (-math.inf, 0.0, 0.0, 0.0), calls
        calls.frombytes(data[_HEAD.size : len(data) - (len(data) - _HEAD.size) % 8])
        _, paused, limit, learned, count = _HEAD.unpack_from(data)
        if not 0 <= count < _MOST:
            return (-math.inf, 0.0, 0.0, 0.0), array("d")
        return (paused, limit, learned, count), calls

    def _write(self, paused: float, limit: float, learned: float, count: float) -> None:
        os.pwrite(self._file, _HEAD.pack(_FORM, paused, limit, learned, count), 0)


def open_usage(api: Api, base_url: str, identity: str) -> UsageStore:
    """Return the usage of a key at an API; in memory only if there is no usable file.

    Args:
        api: The API.
        base_url: Its URL.
        identity: The key, or what identifies other credentials. The file's name is a hash of it.
    """
    if fcntl is not None:
        name = hashlib.sha256(f"{api.name} rate budget\n{base_url}\n{identity}".encode()).hexdigest()[:32]
        try:
            path = _directory(api.name) / name
            if not path.exists():
                _forget_old(path.parent)
            return FileUsage(path)
        except OSError as error:
            api.log.warning("the rate limit's usage is not shared with other processes: %s", error)
    return InMemoryUsage()


def _ahead() -> float:
    """Return the seconds between the wall clock and the monotonic clock."""
    return time.time() - time.monotonic()


def _directory(name: str) -> Path:
    """Return a directory that only this user can access; raises OSError."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    directory = Path(runtime) / name if runtime else Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{directory} must belong to this user, with mode 0700")
    return directory


def _forget_old(directory: Path) -> None:
    for path in directory.iterdir():
        # Another process may remove it first, and a file that cannot be removed does no harm.
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()
