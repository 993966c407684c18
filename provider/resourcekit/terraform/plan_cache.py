"""Cache of plans, in memory that the plugin processes of one Terraform command share.

While it applies a change, Terraform plans the change once more, with another plugin process, and compares the second
plan with the first. The cache answers the second request. A new plan would cost the same API requests again. Where much
time has passed it could also differ, which Terraform reports as an error of the provider.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgpack

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

ResultT = TypeVar("ResultT")
_MOST_BYTES: Final = 64 * 1024 * 1024
_LENGTH: Final = 4  # bytes of an entry's length


class PlanCache:
    """Responses by request.

    The file is a log of entries, each after its length. An entry is either a process that begins with some settings, or
    a response. If the file cannot be read or written, nothing is cached.

    Args:
        fd: A file that the processes share; None to cache nothing.
    """

    def __init__(self, fd: int | None) -> None:
        # Processes share the file only where they can lock it.
        self._fd = None if fcntl is None else fd
        self._lock = threading.Lock()
        self._read = 0
        # The last process that stored a response, and the response, by key.
        self._responses: dict[bytes, tuple[int, bytes]] = {}
        # The number of processes so far, by settings.
        self._processes: dict[bytes, int] = {}
        self._settings = b""
        self._number = 0

    def open(self, settings: object) -> None:
        """Use the cache for these provider settings. Responses reach the next process with the same settings."""
        self._settings = hashlib.sha256(repr(settings).encode()).digest()

        def write(fd: int) -> None:
            self._number = self._processes.get(self._settings, 0) + 1
            self._write(fd, [self._settings, self._number])

        self._locked(write)

    def put(self, request: bytes, response: bytes) -> None:
        """Store the response to a request. A file of 64 MiB takes no more."""

        def write(fd: int) -> None:
            if self._read < _MOST_BYTES:
                self._write(fd, [self._key(request), self._number, response])

        self._locked(write)

    def get(self, request: bytes) -> bytes | None:
        """Return the response that the previous process stored for a request; None if it stored none."""
        if self._number < 2:
            return None

        def find(_fd: int) -> bytes | None:
            number, response = self._responses.get(self._key(request), (0, b""))
            return response if number == self._number - 1 else None

        return self._locked(find)

    def _key(self, request: bytes) -> bytes:
        return hashlib.sha256(self._settings + request).digest()

    def _locked(self, work: Callable[[int], ResultT]) -> ResultT | None:
        """Read the file to its end, then run `work`, with the file locked against other threads and processes.

        Returns:
            The result; None if there is no file, or it cannot be used.
        """
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
        # After the last complete entry: the partial entry of a killed process is overwritten.
        os.ftruncate(fd, self._read)
        os.pwrite(fd, len(packed).to_bytes(_LENGTH, "big") + packed, self._read)

    def _catch_up(self, fd: int) -> None:
        data = os.pread(fd, os.fstat(fd).st_size - self._read, self._read)
        position = 0
        while (body := position + _LENGTH) <= len(data):
            end = body + int.from_bytes(data[position:body], "big")
            if end > len(data):
                break
            key, number, *response = msgpack.unpackb(data[body:end])
            if response:
                self._responses[key] = number, response[0]
            else:
                self._processes[key] = number
            position = end
        self._read += position


def plan_key(request: pb.PlanResourceChange.Request, *, is_create: bool) -> bytes:
    """Return the part of a request that determines its plan, as bytes.

    During an apply, Terraform sends other client capabilities, another proposed state and the first plan's private
    state. None of them affects the plan. The private state in the request for a create belongs to the object to be
    replaced.

    Args:
        request: The request, which stays unchanged.
        is_create: Whether there is no prior state.
    """
    relevant = pb.PlanResourceChange.Request()
    relevant.CopyFrom(request)
    for name in (
        "client_capabilities",
        "proposed_new_state",
        "planned_private",
        *(["prior_private"] if is_create else []),
    ):
        relevant.ClearField(name)
    return relevant.SerializeToString(deterministic=True)
