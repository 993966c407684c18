"""Send the control plane's outgoing HTTP requests: a POST over HTTP/1.1, bounded in time and size.

Webhook deliveries and calls to a translator use it. It follows no redirect and uses no proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import h11

Headers = Sequence[tuple[str, str]]
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns at least one address to try for a host and a port. Its errors pass through `post`."""

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_JSON_BYTES: Final = 1_000_000


class HttpError(Exception):
    """There is no usable response. The message is a sentence that names the server, and no URL, header or body."""


@dataclass(frozen=True)
class HttpResponse:
    """A response.

    Attributes:
        status: The final status, after any 1xx.
        body: Empty if it was not read.
    """

    status: int
    body: bytes = b""


async def post_json(url: str, headers: Headers, body: object, *, server: str, seconds: float) -> Any:
    """Send JSON and return the JSON of the response.

    Args:
        url: An http or https URL.
        headers: Sent in addition to those that describe the body.
        body: The value to send as JSON.
        server: The server's name in messages, such as "translator".
        seconds: The limit for everything, from the look-up of the name to the last byte.

    Raises:
        HttpError: There is no response in time, its status is not 2xx, or its body is not JSON of at most 1 MB.
    """
    json_headers = [("Content-Type", "application/json"), ("Accept", "application/json"), *headers]
    content = json.dumps(body).encode()
    response = await post(url, json_headers, content, server=server, seconds=seconds, max_body_bytes=_MAX_JSON_BYTES)
    if not 200 <= response.status < 300:
        raise HttpError(f"The {server} answered with status {response.status}.")
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise HttpError(f"The {server}'s answer is no JSON.") from None


async def post(
    url: str,
    headers: Headers,
    content: bytes,
    *,
    server: str,
    seconds: float,
    resolve: Resolver | None = None,
    max_body_bytes: int | None = None,
) -> HttpResponse:
    """Send bytes and return the response, whatever its status.

    Args:
        url: An http or https URL.
        headers: Sent in addition to Host, Content-Length and Connection.
        content: The body.
        server: The server's name in messages, such as "endpoint".
        seconds: The limit for everything, from the look-up of the name to the last byte.
        resolve: Resolves the host, so that the caller decides which addresses may be connected to. None: the system.
        max_body_bytes: The longest body of a response that is read. None: the body is not read.

    Raises:
        HttpError: There is no response in time, or its body is too long.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _exchange(urlsplit(url), headers, content, server, resolve, max_body_bytes)
    except (TimeoutError, OSError, h11.ProtocolError) as error:
        raise HttpError(_reason(error, server, seconds)) from None


def _reason(error: Exception, server: str, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"No answer within {seconds:g} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The {server}'s certificate was not accepted: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}."
    if isinstance(error, h11.LocalProtocolError):
        return f"The request to the {server} was not sent: HTTP does not allow one of its headers."
    if isinstance(error, h11.ProtocolError):
        return f"The {server} did not answer in HTTP."
    detail = error.strerror if isinstance(error, OSError) else None
    return f"Could not reach the {server}: {detail or type(error).__name__}."


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS settings with the system's certificates. They are cached, because reading them takes a while."""
    return ssl.create_default_context()


async def _exchange(
    parts: SplitResult,
    headers: Headers,
    content: bytes,
    server: str,
    resolve: Resolver | None,
    max_body_bytes: int | None,
) -> HttpResponse:
    reader, writer = await _connect(parts, resolve)
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        head = h11.Request(
            method="POST",
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers=[
                ("Host", parts.netloc.rpartition("@")[2]),
                ("Content-Length", str(len(content))),
                ("Connection", "close"),
                *headers,
            ],
        )
        events = (head, h11.Data(data=content), h11.EndOfMessage())
        writer.write(b"".join(http.send(event) or b"" for event in events))
        # A server may answer and close before it has read everything; its response counts, so a failing write does not.
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        status = await _read_status(http, reader)
        if max_body_bytes is None:
            return HttpResponse(status)
        return HttpResponse(status, await _read_body(http, reader, server, max_body_bytes))
    finally:
        writer.transport.abort()


async def _connect(parts: SplitResult, resolve: Resolver | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that answers; raise the error of the last one."""
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    context, name = (tls_context(), host) if is_secure else (None, None)
    addresses = [host] if resolve is None else await resolve(host, port)
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
    return await asyncio.open_connection(addresses[-1], port, ssl=context, server_hostname=name)


async def _next_event(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Event:
    while True:
        event = http.next_event()
        if isinstance(event, h11.Event):
            return event
        if event is not h11.NEED_DATA:
            raise h11.RemoteProtocolError("the connection ended")
        http.receive_data(await reader.read(65536))


async def _read_status(http: h11.Connection, reader: asyncio.StreamReader) -> int:
    """Return the status, skipping any 1xx."""
    while isinstance(event := await _next_event(http, reader), h11.InformationalResponse):
        pass
    if not isinstance(event, h11.Response):
        raise h11.RemoteProtocolError("no response")
    return event.status_code


async def _read_body(http: h11.Connection, reader: asyncio.StreamReader, server: str, max_bytes: int) -> bytes:
    body = bytearray()
    while isinstance(event := await _next_event(http, reader), h11.Data):
        body += event.data
        if len(body) > max_bytes:
            raise HttpError(f"The {server}'s answer is too long.")
    if not isinstance(event, h11.EndOfMessage):
        raise h11.RemoteProtocolError("no end of the body")
    return bytes(body)
