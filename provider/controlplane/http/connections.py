"""Connections: given up when a request does not arrive or an answer is not taken, and broken on purpose for a fault.

The ASGI interface has no word for any of that, so the protocol keeps its transports.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# For a request to arrive whole, and for an answer to be taken; who is slower holds a connection, and the answer's
# memory, for nothing.
SECONDS: float = 30.0
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # linger, zero seconds: a reset instead of a goodbye
_transports: dict[tuple[str, int], asyncio.Transport] = {}


class _Deadline:
    """Something that is done after SECONDS, unless it is called off."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From now, if it has not begun."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._do)

    def call_off(self) -> None:
        """Until it begins again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Protocol(H11Protocol):
    """uvicorn's, with a deadline for each request and each answer, and its transport within reach."""

    _request: _Deadline
    _answer: _Deadline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember it."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport
        # So that we hear of all that waits to be sent, and not only of much: closing waits for little as well.
        transport.set_write_buffer_limits(0)
        self._request = _Deadline(transport.close)
        # Not `close`, which would wait until all is sent.
        self._answer = _Deadline(transport.abort)
        self._request.begin()

    def data_received(self, data: bytes) -> None:
        """Some of a request, or all of it."""
        self._request.begin()
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY) or self._is_between_requests():
            self._request.call_off()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._request.call_off()
        self._answer.call_off()
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Something of an answer waits for the client to take it."""
        super().pause_writing()
        self._answer.begin()

    def resume_writing(self) -> None:
        """The client has taken all."""
        self._answer.call_off()
        super().resume_writing()

    def _is_between_requests(self) -> bool:
        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]


def end(scope: Any) -> None:
    """Close the connection that a call came over, once what was written is sent."""
    transport = _transports.get(tuple(scope["client"]))
    if transport is not None:
        transport.close()


def reset(scope: Any) -> None:
    """Reset the connection that a call came over."""
    transport = _transports.get(tuple(scope["client"]))
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
