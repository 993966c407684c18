"""The plugin process: serve on a free loopback port, print it, end with the engine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from resourcekit.pulumi.engine import EngineLog, exit_with_engine
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.resource import Package

# The engine runs up to 64 operations at once (`--parallel 64`) and each may wait; Cancel must always find a thread.
_WORKERS = 96
_MESSAGE_BYTES = 400 * 1024 * 1024
# For answers under way when told to end.
_GRACE_SECONDS = 2


def serve(package: Package[Any], argv: Sequence[str]) -> None:
    """Run until the engine ends. argv: the engine's address as it passes it, absent when it will Attach."""
    logging.basicConfig(stream=sys.stderr, level=os.environ.get(package.log_variable, "critical").upper())
    engine = EngineLog()
    addresses = [word for word in argv if not word.startswith("-")]
    if addresses:
        engine.attach(addresses[-1])
        exit_with_engine()
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(package, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    _until_told(server)


def _until_told(server: grpc.Server) -> None:
    """Serve until SIGINT or SIGTERM. The engine runs plugins in process groups of their own, so a person's Ctrl-C comes
    as Cancel, and SIGINT is how the engine says good-bye; one that is not obeyed costs it ten seconds.
    """
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()
    server.stop(_GRACE_SECONDS).wait()
