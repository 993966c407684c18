"""Connections: closed when a request does not arrive or a response is not read in time, and reset by injected faults.

A protocol of our own stands between the transport and uvicorn's. It has a deadline for the head of a request and one
for reading a response. `RequestDeadlineMiddleware` has the deadline for the body of a request.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

# The deadline for the head of a request, for its body, and for reading a response. A slower client would occupy a
# connection, and the memory of the response, for nothing.
SECONDS: float = 30.0
# Longer than clients leave a connection idle (60 seconds is usual), so that none sends on one that is being closed.
_KEEP_ALIVE_SECONDS: Final = 75
# So many bytes may wait while a request is handled: uvloop then sends the head and the body of a response together.
_JOINED: Final = 64 * 1024
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
_BODY_HEADERS: Final = frozenset({b"content-length", b"transfer-encoding"})
_STATE: Final = "polykomos.connection"


def uvicorn_config(application: ASGIApp, **settings: Any) -> uvicorn.Config:
    """Return the configuration of a uvicorn server that closes the connections of slow clients.

    uvicorn parses with httptools if it is installed, otherwise with h11.
    """
    return uvicorn.Config(
        RequestDeadlineMiddleware(application),
        http=Protocol,
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        **settings,
    )


class _Deadline:
    """An action that runs after SECONDS, unless it is cancelled."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start the timer unless it is running."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._do)

    def cancel(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Protocol(asyncio.Protocol):
    """Passes a transport's events to uvicorn's protocol, which puts this object into the state of each ASGI scope."""

    _transport: asyncio.Transport
    _head: _Deadline
    _response: _Deadline

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._http: asyncio.Protocol = AutoHTTPProtocol(  # type: ignore[call-arg]
            config=config, server_state=server_state, app_state={**app_state, _STATE: self}, _loop=_loop
        )
        self._in_progress = 0
        self._has_more = False
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request from now on."""
        self._transport = transport
        # `pause_writing` is then called for anything that waits to be sent, and closing has little to wait for.
        transport.set_write_buffer_limits(0)
        self._head = _Deadline(transport.close)
        # `close` would wait until everything is sent.
        self._response = _Deadline(transport.abort)
        self._head.begin()
        self._http.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request's head or body."""
        if self._in_progress:
            self._has_more = True
        else:
            self._head.begin()
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that the client sends no more."""
        return self._http.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop both deadlines."""
        self._head.cancel()
        self._response.cancel()
        self._http.connection_lost(exc)
        self._lost.set()

    def pause_writing(self) -> None:
        """Start the deadline of the response: a part of it waits for the client to read."""
        self._http.pause_writing()
        self._response.begin()

    def resume_writing(self) -> None:
        """Stop the deadline of the response: the client has read everything."""
        self._response.cancel()
        self._http.resume_writing()

    def head_received(self, *, has_body: bool) -> None:
        """Note that the application has the head of a request.

        Args:
            has_body: Whether a body comes with it or after it.
        """
        self._in_progress += 1
        self._transport.set_write_buffer_limits(_JOINED, 0)
        self._has_more = self._has_more or has_body
        self._head.cancel()

    def body_received(self) -> None:
        """Note that the application has the whole request. What arrives now is part of another one."""
        self._has_more = False

    def request_done(self) -> None:
        """Note that the application is done. The rest of its body, or of the next request, must arrive in time."""
        self._in_progress -= 1
        self._transport.set_write_buffer_limits(0)
        if self._has_more and not self._in_progress:
            self._has_more = False
            self._head.begin()

    async def close(self) -> None:
        """Close the connection once the written data is sent."""
        self._transport.close()
        await self._lost.wait()

    async def reset(self) -> None:
        """Reset the connection. Data that was not sent is lost."""
        # A copy of the descriptor, because not every event loop allows options on the transport's socket.
        descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        with socket.socket(fileno=descriptor) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()
        await self._lost.wait()


class RequestDeadlineMiddleware:
    """ASGI middleware that closes the connection when a body does not arrive while the application waits for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection: Protocol = scope["state"][_STATE]
        deadline: float | None = None
        is_complete = False

        async def receive_in_time() -> Message:
            nonlocal deadline, is_complete
            if is_complete:  # the application waits for the client to go
                return await receive()
            deadline = deadline or asyncio.get_running_loop().time() + SECONDS
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                await connection.close()
                return {"type": "http.disconnect"}
            if not message.get("more_body"):
                is_complete = True
                connection.body_received()
            return message

        headers = scope["headers"]
        connection.head_received(has_body=any(name in _BODY_HEADERS and value != b"0" for name, value in headers))
        try:
            await self._app(scope, receive_in_time, send)
        finally:
            connection.request_done()


async def close_connection(scope: Scope) -> None:
    """Close the connection of a request once the written data is sent."""
    connection: Protocol = scope["state"][_STATE]
    await connection.close()


async def reset_connection(scope: Scope) -> None:
    """Reset the connection of a request."""
    connection: Protocol = scope["state"][_STATE]
    await connection.reset()
