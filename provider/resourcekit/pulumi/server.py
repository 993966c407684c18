"""The plugin process: serve on a free loopback port, print it, end with the engine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from resourcekit.plugin.fast_import import grpc
from resourcekit.plugin.lazy_service import MESSAGE_SIZES, Handlers, LazyGrpcService
from resourcekit.plugin.logging import parse_level
from resourcekit.plugin.parent_watch import exit_with_parent, is_listening

# Imported while the engine connects.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from resourcekit.package import Package

# The engine runs up to 64 operations at once (`--parallel 64`) and each may wait; Cancel must always find a thread.
_WORKERS = 96
# For answers under way when told to end.
_GRACE_SECONDS = 2
_GONE_EXIT = 1


def serve(load: Callable[[], Package[Any]], argv: Sequence[str]) -> int:
    """Run until the engine ends; returns the exit status. load: gives the package, once the port is out.

    argv: the engine's address as it passes it, absent when it will Attach.
    """
    address = next((word for word in reversed(argv) if not word.startswith("-")), "")
    if address:
        exit_with_parent(lambda: is_listening(address), lambda: os._exit(_GONE_EXIT))
    service = LazyGrpcService("pulumirpc.ResourceProvider", lambda: _handlers(load(), address))
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS),
        handlers=[service],
        options=[*MESSAGE_SIZES, ("grpc.so_reuseport", 0)],
    )
    port = server.add_insecure_port("127.0.0.1:0")
    told = threading.Event()
    # The engine runs plugins in process groups of their own: a person's Ctrl-C comes as Cancel, and SIGINT is how the
    # engine says good-bye; one that is not obeyed costs it ten seconds.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    server.start()
    print(port, flush=True)
    if not service.load():
        return 1
    told.wait()
    server.stop(_GRACE_SECONDS).wait()
    return 0


def _handlers(package: Package[Any], address: str) -> Handlers:
    from resourcekit.pulumi.engine_log import EngineLog
    from resourcekit.pulumi.servicer import ProviderServicer, servicer_handlers

    # The engine shows a plugin's stderr with --debug only, so what is wrong with the level is told another way.
    level, problem = parse_level(os.environ.get(package.log_variable), "critical")
    logging.basicConfig(stream=sys.stderr, level=level.upper())
    engine = EngineLog()
    engine.attach(address)
    return servicer_handlers(ProviderServicer(package, engine, f"{package.log_variable}: {problem}" if problem else ""))
