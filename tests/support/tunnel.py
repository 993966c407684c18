"""A real forward proxy that does nothing but CONNECT."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Tunnel:
    """Listens while in its `with` block. heads: what it was asked. refusals: so many requests get a 503 first.

    It takes every name that ends in `.test` for this machine.
    """

    def __init__(self, refusals: int = 0) -> None:
        self.heads: list[str] = []
        self._refusals = refusals

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # closing alone would not wake `accept`
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._tunnel, args=[connection], daemon=True).start()

    def _tunnel(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += near.recv(1)
            self.heads.append(head.decode())
            if len(self.heads) <= self._refusals:
                near.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection(
                ("127.0.0.1" if host.endswith(".test") else host, int(port)), timeout=10
            ) as far:
                near.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
                threading.Thread(target=_pump, args=[far, near], daemon=True).start()
                _pump(near, far)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
