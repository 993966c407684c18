"""Ports of this machine that database servers listen on."""

from __future__ import annotations

import logging
import socket
from typing import Final

from controlplane.errors import StartupError

HOST: Final = "127.0.0.1"
"""Where embedded servers listen."""

_log = logging.getLogger("controlplane.engines")


def free_port(wanted: int) -> int:
    """Return the wanted port if nothing listens there, else any free one.

    Args:
        wanted: 0 = any.

    Raises:
        StartFailed: No port is free.
    """
    for candidate in (wanted, 0):
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
