"""A request has a while to arrive; whoever is slower than that loses the connection, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from controlplane.http import protocol

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
UNREAD = REQUEST.replace(b"/ ", b"/unread ", 1)


# How long a request may take to arrive where a test says so, and a time in which a connection is closed on any machine.
SHORT, LONG = 0.3, 60.0


async def echo(request: Request) -> PlainTextResponse:
    body = await request.body()
    request.app.state.handled.set()
    await asyncio.sleep(2 * SHORT)  # longer than a request may take to arrive
    return PlainTextResponse(body)


async def ignore(request: Request) -> PlainTextResponse:
    request.app.state.handled.set()
    await asyncio.sleep(2 * SHORT)
    return PlainTextResponse("hello")


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """Half a response, and then the end of the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ha", "more_body": True})
    await (protocol.reset_connection if scope["path"] == "/reset/" else protocol.close_connection)(scope)


@contextlib.asynccontextmanager
async def served(handled: asyncio.Event | None = None) -> AsyncIterator[int]:
    """The port of a server. handled: set when a handler has the request."""
    listener = socket.create_server(("127.0.0.1", 0))
    application = Starlette(
        routes=[
            Route("/", echo, methods=["POST"]),
            Route("/unread", ignore, methods=["POST"]),
            Mount("/reset", app=broken),
            Mount("/end", app=broken),
        ]
    )
    application.state.handled = handled or asyncio.Event()
    web = uvicorn.Server(protocol.uvicorn_config(application, log_config=None))
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    web.should_exit = True
    await serving


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SECONDS", SHORT)


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection with one request that was answered: on a busy machine perhaps not the first one that is tried."""
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"hello")
            return reader, writer
        writer.close()
    raise AssertionError("no request is answered")


async def is_closed(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the server closes the connection within so many seconds; what it sends before that is skipped."""
    try:
        async with asyncio.timeout(seconds):
            while await reader.read(4096):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


async def send(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    for piece in pieces:
        with contextlib.suppress(RuntimeError):  # uvloop's, where the connection is closed
            writer.write(piece)
        await asyncio.sleep(SHORT / 3)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="nothing"),
        pytest.param([REQUEST[:9]], id="half a head"),
        pytest.param([bytes([byte]) for byte in REQUEST[:6]], id="drops of a head"),
        pytest.param([REQUEST[:-1]], id="half a body"),
        pytest.param([REQUEST[:-4], b"e", b"l", b"l"], id="drops of a body"),
        pytest.param([REQUEST, REQUEST[:9]], id="half a head while the first request is handled"),
        pytest.param([UNREAD[:-1]], id="half a body that is not read"),
    ],
)
def test_a_request_that_does_not_arrive_is_given_up(run: Callable[[Any], Any], pieces: list[bytes]) -> None:
    async def both() -> None:
        async with served() as port:
            quick, quick_writer = await connected(port)
            slow, slow_writer = await asyncio.open_connection("127.0.0.1", port)
            await send(slow_writer, pieces)
            assert await is_closed(slow, LONG)
            assert not await is_closed(quick, 2 * SHORT)
            for writer in (quick_writer, slow_writer):
                writer.close()

    run(both())


@pytest.mark.parametrize("sent", [REQUEST, UNREAD], ids=["read", "not read"])
def test_a_slow_answer_is_not_a_slow_request(
    run: Callable[[Any], Any], sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the next request on the connection, whether the body of the first was read or not."""

    async def twice() -> None:
        handled = asyncio.Event()
        async with served(handled) as port:
            reader, writer = await connected(port)
            for _ in range(2):
                handled.clear()
                monkeypatch.setattr(protocol, "SECONDS", SHORT)
                writer.write(sent)
                await handled.wait()
                monkeypatch.setattr(protocol, "SECONDS", LONG)  # of what begins after an answer to a body not read
                await reader.readuntil(b"hello")
            writer.close()

    run(twice())


@pytest.mark.parametrize(("path", "is_reset"), [(b"/reset/", True), (b"/end/", False)])
def test_a_connection_is_broken_on_purpose(run: Callable[[Any], Any], path: bytes, is_reset: bool) -> None:
    """A reset is one on the network; after an orderly end there is no error."""

    async def ask() -> bytes:
        async with served() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                return await reader.read()
            finally:
                writer.close()

    if is_reset:
        with pytest.raises(ConnectionResetError):
            run(ask())
    else:
        assert run(ask()).endswith(b"ha")
