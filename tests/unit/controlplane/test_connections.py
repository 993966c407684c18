"""A request has a while to arrive; whoever is slower than that loses the connection, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from controlplane.http import connections

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


async def echo(request: Request) -> PlainTextResponse:
    body = await request.body()
    await asyncio.sleep(0.5)  # longer than a request may take to arrive
    return PlainTextResponse(body)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    application = Starlette(routes=[Route("/", echo, methods=["POST"])])
    web = uvicorn.Server(uvicorn.Config(application, http=connections.Protocol, log_config=None))
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    web.should_exit = True
    await serving


async def talk(port: int, *pieces: bytes, pause: float) -> tuple[bytes, bool]:
    """What came back within two seconds, and whether the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
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
    ],
)
def test_a_request_that_does_not_arrive_is_given_up(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.3)

    async def run() -> list[tuple[bytes, bool]]:
        async with served() as port:
            return await asyncio.gather(talk(port, *pieces, pause=0.1), talk(port, REQUEST, pause=0))

    (_, is_closed), (quick, is_quick_closed) = asyncio.run(run())
    assert is_closed
    assert quick.endswith(b"hello")
    assert not is_quick_closed


def test_a_slow_answer_is_not_a_slow_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.3)

    async def run() -> tuple[bytes, bool]:
        async with served() as port:
            return await talk(port, REQUEST, REQUEST, pause=0.7)

    answers, is_closed = asyncio.run(run())
    assert answers.count(b"hello") == 2
    assert not is_closed
