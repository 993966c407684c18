"""A real HTTP server on a socket whose answers a test scripts, broken ones too."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

Step = Callable[[socket.socket], None]


@dataclass
class Seen:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedServer:
    """Plays its steps, one a request; the last one is repeated. tls: to be reached by https. port: 0 takes any."""

    steps: list[Step]
    tls: ssl.SSLContext | None = None
    port: int = 0
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # closing alone would not wake `accept`
        self._socket.close()

    @property
    def base_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/api/v1"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self.tls:
                try:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                except OSError:  # the client did not trust us
                    continue
            with connection:
                request = self._read(connection)
                if request is None:
                    continue
                self.seen.append(request)
                self.steps[min(len(self.seen), len(self.steps)) - 1](connection)

    def _read(self, connection: socket.socket) -> Seen | None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            chunk = connection.recv(65536)
            if not chunk:
                return None
            raw += chunk
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(rest) < int(headers.get("content-length", "0")):
            rest += connection.recv(65536)
        method, path, _ = first.split(" ", 2)
        is_json = rest and not headers.get("content-type", "").startswith("multipart/")
        return Seen(method, path, headers, json.loads(rest) if is_json else rest or None)


def answer(status: int, body: Any, *, cut: int = 0, **headers: str) -> Step:
    """A complete answer; cut: so many bytes of its body never come."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def play(connection: socket.socket) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(content)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        connection.sendall(head + (content[:-cut] if cut else content))

    return play


def error(status: int, code: str, message: str = "It broke.", **headers: str) -> Step:
    body = {"error": {"code": code, "message": message, "details": {}}, "request_id": "req_1"}
    return answer(status, body, **headers)


def hang_up(connection: socket.socket) -> None:
    """The request arrived; no answer comes."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    """The request arrived; the connection is torn down (RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def late(step: Step, ready: threading.Event) -> Step:
    """The step, once `ready` is set."""

    def play(connection: socket.socket) -> None:
        ready.wait(20)
        with contextlib.suppress(OSError):  # the client may have given up
            step(connection)

    return play
