"""The plugin process: listen on a free loopback port, print it, serve, and end with the engine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from resourcekit.plugin.lazy_service import MESSAGE_SIZES, Handlers, LazyGrpcService
from resourcekit.plugin.logging import parse_level
from resourcekit.plugin.parent_watch import exit_with_parent, is_listening
from resourcekit.plugin.signals import call_on_signal
from resourcekit.plugin.sync_grpc import grpc

# Imported while the engine connects.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from resourcekit.package import Package

# The engine runs up to 64 operations at once (`--parallel 64`), and each may wait. Cancel needs a free thread.
_WORKERS = 96
# For calls that are running when the process must end.
_GRACE_SECONDS = 2
_GONE_EXIT = 1


def serve(load: Callable[[], Package[Any]], argv: Sequence[str]) -> int:
    """Serve until the engine ends.

    Args:
        load: Return the package. Called after the port is printed.
        argv: The arguments of the process, with the engine's address; without it, the engine calls Attach.

    Returns:
        The exit status.
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
    stopped = threading.Event()
    # A plugin has a process group of its own, so the user's Ctrl-C arrives as Cancel. With SIGINT the engine ends the
    # plugin; if the plugin ignores it, the engine waits for ten seconds.
    call_on_signal((signal.SIGINT, signal.SIGTERM), stopped.set)
    server.start()
    print(port, flush=True)
    if not service.load():
        return 1
    stopped.wait()
    server.stop(_GRACE_SECONDS).wait()
    return 0


def _handlers(package: Package[Any], address: str) -> Handlers:
    from resourcekit.pulumi.engine_log import EngineLog
    from resourcekit.pulumi.servicer import ProviderServicer, servicer_handlers

    # The engine shows a plugin's stderr only with --debug, so a problem with the level becomes a warning of Configure.
    level, problem = parse_level(os.environ.get(package.log_variable), "critical")
    logging.basicConfig(stream=sys.stderr, level=level.upper())
    engine = EngineLog()
    engine.attach(address)
    return servicer_handlers(ProviderServicer(package, engine, f"{package.log_variable}: {problem}" if problem else ""))
