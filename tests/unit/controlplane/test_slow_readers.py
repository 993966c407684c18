"""An answer has a while to be taken; whoever does not take it loses the connection, and the answer is forgotten."""

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
from starlette.routing import Route

from controlplane.http import protocol
from support.control_plane import wait_until

# Of the system's own buffers: small, so that what does not fit is ours to keep.
BUFFER = 4096
# More and less than what asyncio, unless told, lets wait without a word.
MUCH, LITTLE = 2_000_000, 50_000


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * int(request.path_params["size"]))


def get(size: int, *lines: str) -> bytes:
    return "\r\n".join([f"GET /{size} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[uvicorn.Server, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)  # those that it accepts have it too
    application = Starlette(routes=[Route("/{size}", answer)])
    web = uvicorn.Server(protocol.uvicorn_config(application, log_config=None))
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    yield web, listener.getsockname()[1]
    web.should_exit = True
    await serving


async def ask(port: int, sent: bytes) -> socket.socket:
    """A connection of which nothing is read unless somebody does."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    await loop.sock_sendall(connection, sent)
    return connection


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(get(MUCH), id="much"),
        pytest.param(get(LITTLE), id="little"),
        pytest.param(get(MUCH, "Connection: close"), id="much, and then the end"),
        pytest.param(get(LITTLE, "Connection: close"), id="little, and then the end"),
        pytest.param(get(LITTLE) * 200, id="many requests at once"),
        pytest.param(get(LITTLE) + b"nonsense\r\n\r\n", id="something else afterwards"),
    ],
)
def test_an_answer_that_is_not_taken_is_given_up(
    run: Callable[[Any], Any], sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SECONDS", 0.3)

    async def leave_it() -> None:
        async with served() as (web, port):
            with await ask(port, sent):
                state = web.server_state
                await asyncio.to_thread(wait_until, lambda: state.total_requests > 0)
                await asyncio.to_thread(wait_until, lambda: not state.connections and not state.tasks)

    run(leave_it())


def test_answers_that_are_taken_in_time_come_whole(run: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own deadline, however many are asked for at once, and however slowly the client goes on."""
    monkeypatch.setattr(protocol, "SECONDS", 4)
    count = 6

    async def take_all() -> int:
        async with served() as (_, port):
            with await ask(port, get(LITTLE) * count) as connection:
                taken = b""
                for number in range(count):
                    await asyncio.sleep(1)
                    while taken.count(b"x") <= number * LITTLE + LITTLE // 2:
                        chunk = await asyncio.get_running_loop().sock_recv(connection, 10_000)
                        assert chunk, "closed before its time"
                        taken += chunk
                return taken.count(b" 200 OK")

    assert run(take_all()) == count
