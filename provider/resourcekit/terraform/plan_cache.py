"""Plans that must come out again, in memory that the plugin processes of one command share.

Terraform plans each change once more while it applies it, by another process, and holds the second plan against the
first. The first is therefore remembered: asking the API again would cost the same calls, and could show something else
where much time has passed, which Terraform takes for an error of the provider.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgpack

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

ResultT = TypeVar("ResultT")
_MOST_BYTES: Final = 64 * 1024 * 1024
_LENGTH: Final = 4  # bytes that say how long an entry is


class PlanCache:
    """Answers by what was asked. fd: a file that the processes share; None = nothing is kept.

    The file is a log of entries, each with its length before it: a process that begins with some settings, or an
    answer. A file that cannot be read or written is as good as none.
    """

    def __init__(self, fd: int | None) -> None:
        # Processes that cannot lock it cannot share it.
        self._fd = None if fcntl is None else fd
        self._lock = threading.Lock()
        self._read = 0
        self._found: dict[bytes, tuple[int, bytes]] = {}
        self._begun: dict[bytes, int] = {}
        self._settings = b""
        self._number = 0

    def open(self, settings: object) -> None:
        """Work with these settings from now on. What is kept is for the next process that has the same."""
        self._settings = hashlib.sha256(repr(settings).encode()).digest()

        def write(fd: int) -> None:
            self._number = self._begun.get(self._settings, 0) + 1
            self._write(fd, [self._settings, self._number])

        self._alone(write)

    def put(self, asked: bytes, answer: bytes) -> None:
        """Remember it."""

        def write(fd: int) -> None:
            if self._read < _MOST_BYTES:
                self._write(fd, [self._key(asked), self._number, answer])

        self._alone(write)

    def get(self, asked: bytes) -> bytes | None:
        """What the process before this one has answered; None where it has not."""
        if self._number < 2:
            return None

        def find(_fd: int) -> bytes | None:
            number, answer = self._found.get(self._key(asked), (0, b""))
            return answer if number == self._number - 1 else None

        return self._alone(find)

    def _key(self, asked: bytes) -> bytes:
        return hashlib.sha256(self._settings + asked).digest()

    def _alone(self, work: Callable[[int], ResultT]) -> ResultT | None:
        """Do it with the file read to its end, alone among the threads and the processes; None where there is none."""
        if self._fd is None:
            return None
        with self._lock, contextlib.suppress(OSError):
            fcntl.lockf(self._fd, fcntl.LOCK_EX)
            try:
                self._catch_up(self._fd)
                return work(self._fd)
            finally:
                fcntl.lockf(self._fd, fcntl.LOCK_UN)
        return None

    def _write(self, fd: int, entry: list[Any]) -> None:
        packed = msgpack.packb(entry)
        # Behind the last whole entry: what one wrote that was killed in the middle is written over.
        os.ftruncate(fd, self._read)
        os.pwrite(fd, len(packed).to_bytes(_LENGTH, "big") + packed, self._read)

    def _catch_up(self, fd: int) -> None:
        data = os.pread(fd, os.fstat(fd).st_size - self._read, self._read)
        position = 0
        while (body := position + _LENGTH) <= len(data):
            end = body + int.from_bytes(data[position:body], "big")
            if end > len(data):
                break
            key, number, *answer = msgpack.unpackb(data[body:end])
            if answer:
                self._found[key] = number, answer[0]
            else:
                self._begun[key] = number
            position = end
        self._read += position
