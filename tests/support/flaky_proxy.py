"""A way to a control plane that is closed for a moment whenever an operation comes along for the first time."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import Self
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"([A-Z]+) (/[^ ?]*)")
_VALUE = re.compile(r"/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")
_CLOSED_SECONDS = 0.15


class Refusing:
    """Listens while in its `with` block, at base_url. refused: the operations, as `POST /api/v1/databases/{}/quotas`.

    The connection that brings a new operation is reset, all others too, and new ones are refused for a moment.
    """

    def __init__(self, base_url: str) -> None:
        self.refused: set[str] = set()
        self._target = urlsplit(base_url)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stopped = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self._port}{self._target.path}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._close()

    def _serve(self) -> None:
        while not self._stopped:
            with contextlib.suppress(OSError):  # closed: that is how it ends
                while True:
                    connection, _ = self._listener.accept()
                    threading.Thread(target=self._pass, args=[connection], daemon=True).start()
            if not self._stopped:
                time.sleep(_CLOSED_SECONDS)
                self._listener = socket.create_server(("127.0.0.1", self._port))

    def _pass(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:  # noqa: SIM117 (one line would be too long)
            with socket.create_connection((self._target.hostname, self._target.port), timeout=130) as far:
                with self._lock:
                    self._open |= {near, far}
                threading.Thread(target=_pump, args=[far, near], daemon=True).start()
                while chunk := near.recv(65536):
                    if self._is_new(chunk):
                        self._close()
                        return
                    far.sendall(chunk)
                far.shutdown(socket.SHUT_WR)

    def _is_new(self, chunk: bytes) -> bool:
        """A head comes in a chunk of its own: the client sends the body after it, and one request at a time."""
        head = _REQUEST.match(chunk)
        if head is None:
            return False
        operation = f"{head[1].decode()} {_VALUE.sub('/{}', head[2].decode())}"
        with self._lock:
            is_new = operation not in self.refused
            self.refused.add(operation)
        return is_new

    def _close(self) -> None:
        with self._lock:
            ending, self._open = self._open, set()
        # Shutting down wakes those that wait; closing alone would not.
        for each in (self._listener, *ending):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
