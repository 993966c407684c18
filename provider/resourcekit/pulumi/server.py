"""The plugin process: serve on a free loopback port, print it, end with the engine."""

from __future__ import annotations

import logging
import os
import signal
import sys
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


def serve(package: Package[Any], argv: Sequence[str]) -> None:
    """Run until the engine ends. argv: the engine's address as it passes it, absent when it will Attach."""
    logging.basicConfig(stream=sys.stderr, level=os.environ.get(package.log_variable, "critical").upper())
    engine = EngineLog()
    addresses = [word for word in argv if not word.startswith("-")]
    if addresses:
        engine.attach(addresses[-1])
        exit_with_engine()
    # Ctrl-C reaches the whole process group; the engine then sends Cancel, and we end when it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
    server.wait_for_termination()
