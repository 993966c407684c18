"""Breaking the connection of a call. The ASGI interface has no word for it, so the protocol keeps its transports."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # linger, zero seconds: a reset instead of a goodbye
_transports: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(H11Protocol):
    """uvicorn's, with the transports of open connections by the client's address and port."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember it."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


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
