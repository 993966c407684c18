"""One attempt to deliver: a POST over HTTP/1.1, judged by its status line."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from controlplane.webhooks.addresses import AddressRefused, resolve

SECONDS = 10.0  # for one attempt, name lookup and connecting included
_LONGEST_HEAD = 64 * 1024  # bytes of a reply that are looked at
_log = logging.getLogger("controlplane.webhooks")


@dataclass(frozen=True)
class Outcome:
    """response_code: None if there was no answer. error_message: None if it was delivered."""

    response_code: int | None
    error_message: str | None

    @property
    def is_success(self) -> bool:
        """Any 2xx; a redirect is not followed."""
        return self.error_message is None


async def post(
    url: str, headers: Sequence[tuple[str, str]], body: bytes, *, loopback: bool, seconds: float = SECONDS
) -> Outcome:
    """Send `body` and tell what came of it. loopback: to this machine too. Never raises but for cancellation."""
    try:
        async with asyncio.timeout(seconds):
            status = await _exchange(url, headers, body, loopback=loopback)
    except Exception as error:
        return Outcome(None, describe(error, seconds))
    return judge(status)


def judge(status: int) -> Outcome:
    """What a status means."""
    return Outcome(status, None if 200 <= status < 300 else f"The endpoint answered with status {status}.")


def describe(error: Exception, seconds: float) -> str:
    """Why there was no answer, in words that name neither URL nor secret."""
    if isinstance(error, AddressRefused):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"No answer within {seconds:g} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The endpoint's certificate was not accepted: {error.verify_message}."
    if isinstance(error, h11.RemoteProtocolError):
        return "The endpoint did not answer in HTTP."
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}."
    if isinstance(error, OSError):
        return f"Could not reach the endpoint: {error.strerror or type(error).__name__}."
    _log.error("a delivery attempt failed unexpectedly", exc_info=error)
    return "The delivery failed for an internal reason."


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once, because reading the system's certificates takes a while."""
    return ssl.create_default_context()


async def _exchange(url: str, headers: Sequence[tuple[str, str]], body: bytes, *, loopback: bool) -> int:
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_secure else 80)
    addresses = await resolve(host, port, loopback=loopback)
    reader, writer = await _connect(addresses, port, host if is_secure else None)
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = h11.Request(
            method="POST",
            target=target,
            headers=[
                ("Host", parts.netloc),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *headers,
            ],
        )
        events = (head, h11.Data(data=body), h11.EndOfMessage())
        writer.write(b"".join(http.send(event) or b"" for event in events))
        # A receiver may answer and close before it has read all; its answer counts, so a failing write does not.
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        return await _final_status(http, reader)
    finally:
        # Nothing of the reply's body is wanted, so there is nothing to close politely.
        writer.transport.abort()


async def _connect(
    addresses: Sequence[str], port: int, tls_host: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first address that answers; raises the OSError of the last one. tls_host: whose certificate it is."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await _open(address, port, tls_host)
    return await _open(addresses[-1], port, tls_host)


async def _open(address: str, port: int, tls_host: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        address, port, ssl=_tls() if tls_host is not None else None, server_hostname=tls_host
    )


async def _final_status(http: h11.Connection, reader: asyncio.StreamReader) -> int:
    """The status after any 1xx."""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(4096))
        elif isinstance(event, h11.Response):
            return event.status_code
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("no response")
