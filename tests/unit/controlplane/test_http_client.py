"""The outgoing HTTP client against real sockets: JSON in and out, limits, messages without secrets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from controlplane.http.client import HttpError, HttpResponse, post, post_json
from support.receiver import Receiver

KEY = "sk-not-to-be-seen-4711"


def send(url: str, *, seconds: float = 60, headers: Sequence[tuple[str, str]] = ()) -> Any:
    return asyncio.run(post_json(url, headers, {"a": "é"}, server="translator", seconds=seconds))


@contextlib.contextmanager
def answering(*chunks: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers its one connection with these bytes; yields its URL and what it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                received.append(connection.recv(65536))
                for chunk in chunks:
                    connection.sendall(chunk)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/x?y=1", received
        thread.join(60)


def response(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status.encode(), len(body)) + body


def test_json_is_sent_and_returned() -> None:
    with answering(b"HTTP/1.1 100 Continue\r\n\r\n", response(b'{"b": [1, 2]}')) as (url, received):
        assert send(url, headers=[("Authorization", "Bearer x")]) == {"b": [1, 2]}
    head, body = received[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert b"Authorization: Bearer x" in head
    assert json.loads(body) == {"a": "é"}


def test_a_chunked_body_is_read_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head, b"3\r\n[1,\r\n", b"3\r\n 2]\r\n0\r\n\r\n") as (url, _):
        assert send(url) == [1, 2]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(b"{}", "307 Moved"), "The translator answered with status 307."),
        (response(b"<html>"), "The translator's answer is no JSON."),
        (response(b"[" * 100_000), "The translator's answer is no JSON."),
        (response(b'"' + b"x" * 1_000_001 + b'"'), "The translator's answer is too long."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "The translator did not answer in HTTP."),
        (b"nonsense\r\n\r\n", "The translator did not answer in HTTP."),
        (b"", "The translator did not answer in HTTP."),
    ],
)
def test_what_is_wrong_with_a_response_is_said(answer: bytes, message: str) -> None:
    with answering(answer) as (url, _), pytest.raises(HttpError) as caught:
        send(url)
    assert str(caught.value) == message


def test_a_response_that_does_not_come_is_given_up_in_time() -> None:
    with Receiver() as receiver:
        receiver.gate.clear()
        with pytest.raises(HttpError, match=r"^No answer within 0\.2 seconds\.$"):
            send(receiver.url, seconds=0.2)


def test_a_header_that_http_does_not_allow_is_neither_sent_nor_shown() -> None:
    with Receiver() as receiver, pytest.raises(HttpError, match="HTTP does not allow one of its headers") as caught:
        send(receiver.url, headers=[("Authorization", f"Bearer {KEY}\nX: y")])
    assert KEY not in str(caught.value)
    assert receiver.received == []


def test_the_first_address_that_answers_is_used() -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        assert host == "nowhere.invalid"
        return ("127.0.0.2", "127.0.0.1")

    async def send_to(url: str) -> HttpResponse:
        return await post(url, (), b"x", server="endpoint", seconds=60, resolve=resolve)

    with answering(response(b"ignored", "202 Accepted")) as (url, received):
        assert asyncio.run(send_to(url.replace("127.0.0.1", "nowhere.invalid"))) == HttpResponse(202)
    assert b"Host: nowhere.invalid:" in received[0]
