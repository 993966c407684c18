"""Ports of this machine that database servers listen on."""

from __future__ import annotations

import logging
import socket
from typing import Final

from controlplane.errors import StartupError

HOST: Final = "127.0.0.1"
"""Where embedded servers listen."""

_log = logging.getLogger("controlplane.engines")


def free_port(preferred: int) -> int:
    """Return the preferred port if nothing listens there, otherwise any free one.

    0 = any.

    Raises:
        StartupError: No port is free.
    """
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                _log.warning("port %s is taken: the connection strings of databases change", candidate)
                continue
            port: int = probe.getsockname()[1]
            return port
    raise StartupError(f"No port is free on {HOST}. End a program that listens there, and start again.")
