"""Plans that must come out again, in memory that the plugin processes of one command share.

Terraform plans each change once more while it applies it, by another process, and holds the second plan against the
first. What was foretold by trying it (`Resource.foretells`) is therefore remembered: trying it again would cost the
same, and could show something else where much time has passed, which Terraform takes for an error of the provider.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# A plan that nobody has applied by then was made for itself.
_SECONDS: Final = 1800.0
_MOST_BYTES: Final = 64 * 1024 * 1024
_KEY: Final = hashlib.sha256().digest_size


class Foretold:
    """Answers by what was asked; each is given once. fd: a file that the processes share; None = nothing is kept.

    The file is a log: key, time, length, answer. An empty answer says that the one before it has been given.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._read = 0
        self._found: dict[bytes, tuple[float, bytes]] = {}

    def keep(self, asked: bytes, answer: bytes) -> None:
        """Remember it."""
        if self._fd is not None:
            with self._open(self._fd) as fd:
                self._write(fd, _key(asked), answer)

    def take(self, asked: bytes) -> bytes | None:
        """The answer, which is then forgotten; None where there is none."""
        if self._fd is None:
            return None
        with self._open(self._fd) as fd:
            self._catch_up(fd)
            at, answer = self._found.get(_key(asked), (0.0, b""))
            if not answer:
                return None
            self._write(fd, _key(asked), b"")
            return answer if time.monotonic() - at < _SECONDS else None

    @contextmanager
    def _open(self, fd: int) -> Iterator[int]:
        """Alone among the threads and the processes."""
        with self._lock:
            fcntl.lockf(fd, fcntl.LOCK_EX)
            try:
                yield fd
            finally:
                fcntl.lockf(fd, fcntl.LOCK_UN)

    def _write(self, fd: int, key: bytes, answer: bytes) -> None:
        size = os.fstat(fd).st_size
        if size < _MOST_BYTES:
            entry = key + int(time.monotonic()).to_bytes(8, "big") + len(answer).to_bytes(8, "big") + answer
            os.pwrite(fd, entry, size)

    def _catch_up(self, fd: int) -> None:
        """Read what others have written."""
        data = os.pread(fd, os.fstat(fd).st_size - self._read, self._read)
        position = 0
        while position < len(data):
            key, position = data[position : position + _KEY], position + _KEY
            at, length = (int.from_bytes(data[position + each : position + each + 8], "big") for each in (0, 8))
            position += 16
            self._found[key] = float(at), data[position : position + length]
            position += length
        self._read += len(data)


def _key(asked: bytes) -> bytes:
    return hashlib.sha256(asked).digest()
