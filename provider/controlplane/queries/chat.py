"""POST JSON, read JSON: one exchange over HTTP/1.1, bounded in time and size."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import h11

_LONGEST_HEAD: Final = 64 * 1024
_LONGEST_BODY: Final = 1_000_000


class HttpFailed(Exception):
    """Why there is no JSON; names neither URL nor header."""


async def post_json(url: str, headers: Sequence[tuple[str, str]], body: object, *, seconds: float) -> Any:
    """The parsed answer of a 2xx. Raises HttpFailed for everything else; a redirect is not followed."""
    content = json.dumps(body).encode()
    try:
        async with asyncio.timeout(seconds):
            status, answer = await _exchange(url, headers, content)
    except TimeoutError:
        raise HttpFailed(f"no answer within {seconds:g} seconds.") from None
    except h11.ProtocolError:
        raise HttpFailed("it did not answer in HTTP.") from None
    except ssl.SSLError:
        raise HttpFailed("TLS failed.") from None
    except OSError:
        raise HttpFailed("it could not be reached.") from None
    if not 200 <= status < 300:
        raise HttpFailed(f"it answered with status {status}.")
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise HttpFailed("its answer is no JSON.") from None


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _exchange(url: str, headers: Sequence[tuple[str, str]], content: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if is_secure else 80), ssl=_tls() if is_secure else None
    )
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        head = h11.Request(
            method="POST",
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers=[
                ("Host", parts.netloc.rpartition("@")[2]),
                ("Content-Type", "application/json"),
                ("Accept", "application/json"),
                ("Content-Length", str(len(content))),
                ("Connection", "close"),
                *headers,
            ],
        )
        events = (head, h11.Data(data=content), h11.EndOfMessage())
        writer.write(b"".join(http.send(event) or b"" for event in events))
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        return await _answer(http, reader)
    finally:
        writer.transport.abort()


async def _answer(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status, body = 0, b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
            if len(body) > _LONGEST_BODY:
                raise HttpFailed("its answer is too long.")
        elif isinstance(event, h11.EndOfMessage):
            return status, body
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("no response")
