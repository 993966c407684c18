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


async def echo(request: Request) -> PlainTextResponse:
    body = await request.body()
    await asyncio.sleep(0.5)  # longer than a request may take to arrive
    return PlainTextResponse(body)


async def ignore(_: Request) -> PlainTextResponse:
    await asyncio.sleep(0.5)
    return PlainTextResponse("hello")


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """Half a response, and then the end of the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ha", "more_body": True})
    await (protocol.reset_connection if scope["path"] == "/reset/" else protocol.close_connection)(scope)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    application = Starlette(
        routes=[
            Route("/", echo, methods=["POST"]),
            Route("/unread", ignore, methods=["POST"]),
            Mount("/reset", app=broken),
            Mount("/end", app=broken),
        ]
    )
    web = uvicorn.Server(protocol.uvicorn_config(application, log_config=None))
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    web.should_exit = True
    await serving


async def talk(port: int, *pieces: bytes, pause: float) -> tuple[bytes, bool]:
    """What came back within two seconds, and whether the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        with contextlib.suppress(RuntimeError):  # uvloop's, where the connection is closed
            writer.write(piece)
        await asyncio.sleep(pause)
    answer = b""
    try:
        async with asyncio.timeout(2):
            while chunk := await reader.read(4096):
                answer += chunk
        return answer, True
    except TimeoutError:
        return answer, False
    except ConnectionError:
        return answer, True
    finally:
        writer.close()


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
def test_a_request_that_does_not_arrive_is_given_up(
    run: Callable[[Any], Any], pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SECONDS", 0.3)

    async def both() -> list[tuple[bytes, bool]]:
        async with served() as port:
            return await asyncio.gather(talk(port, *pieces, pause=0.1), talk(port, REQUEST, pause=0))

    (_, is_closed), (quick, is_quick_closed) = run(both())
    assert is_closed
    assert quick.endswith(b"hello")
    assert not is_quick_closed


@pytest.mark.parametrize("sent", [REQUEST, UNREAD], ids=["read", "not read"])
def test_a_slow_answer_is_not_a_slow_request(
    run: Callable[[Any], Any], sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the next request on the connection, whether the body of the first was read or not."""
    monkeypatch.setattr(protocol, "SECONDS", 0.3)

    async def twice() -> tuple[bytes, bool]:
        async with served() as port:
            return await talk(port, sent, sent, pause=0.7)

    answers, is_closed = run(twice())
    assert answers.count(b"hello") == 2
    assert not is_closed or sent is UNREAD  # whose connection is not held for long where nothing else comes


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
