"""The plugin process: go-plugin's handshake on stdout, then gRPC on a unix socket until Shutdown.

The handshake comes first, and the package is loaded when the first RPC needs it. An engine starts this process several
times per command and waits for the handshake line each time. One of the processes receives a request for the schema
only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

from resourcekit.plugin.lazy_service import Handlers, LazyGrpcService, StaticReplies, method_handlers
from resourcekit.plugin.parent_watch import Watch, exit_when_stdout_closes
from resourcekit.plugin.signals import call_on_signal
from resourcekit.plugin.sync_grpc import grpc
from resourcekit.terraform.handshake import COOKIE

_PROTOCOL = "6"
# With `-parallelism=64` and more, many RPCs wait at once. StopProvider and Shutdown must still find a free thread.
_WORKERS = 128
_MESSAGE_BYTES = 256 * 1024 * 1024
_GRACE_SECONDS = 2
# Names of the directories for sockets: the prefix and 16 digits.
_PREFIX, _NAME_LENGTH = "plugin", len("plugin") + 16
_START_SECONDS = 60.0
# Commands to the main thread.
_LOAD, _END = "load", "end"

Calls = Mapping[str, Callable[..., Any]]


def serve(
    load: Callable[[], Calls],
    addresses: Sequence[str],
    argv: Sequence[str],
    known: StaticReplies | None = None,
    watch: Watch = exit_when_stdout_closes,
) -> int:
    """Serve until the engine requests the end or is gone.

    Args:
        load: Returns the provider's RPCs. Called for the first request without a static reply.
        addresses: The provider's source addresses, one for each engine.
        argv: The command line. With `--debug`, the process serves until Ctrl-C and prints TF_REATTACH_PROVIDERS.
        known: The static replies.
        watch: Calls its argument when the engine is gone.

    Returns:
        The exit status.
    """
    debug = "--debug" in argv
    start_error = None if debug else _start_error(os.environ)
    if start_error:
        print(start_error, file=sys.stderr)
        return 1
    commands: SimpleQueue[str] = SimpleQueue()
    end = partial(commands.put, _END)
    if not debug:
        # Ctrl-C reaches this process as well as the engine. The engine then sends StopProvider.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        watch(end)
    call_on_signal((signal.SIGINT, signal.SIGTERM) if debug else (signal.SIGTERM,), end)
    with _socket() as path:
        provider = LazyGrpcService("tfplugin6.Provider", lambda: _handlers(load()), known, partial(commands.put, _LOAD))
        server = grpc.server(
            ThreadPoolExecutor(_WORKERS),
            handlers=[provider, _GoPlugin(end)],
            options=[
                ("grpc.max_receive_message_length", _MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ],
        )
        certificate = _listen(server, path, encrypted=not debug and bool(os.environ.get("PLUGIN_CLIENT_CERT")))
        server.start()
        if debug:
            _print_reattach(addresses, path)
        else:
            print(f"1|{_PROTOCOL}|unix|{path}|grpc|{certificate}", flush=True)
        _remove_abandoned(os.path.dirname(os.path.dirname(path)))  # noqa: PTH120
        while commands.get() == _LOAD:
            if not provider.load():
                return 1
        server.stop(_GRACE_SECONDS).wait()
    return 0


def _start_error(environment: Mapping[str, str]) -> str | None:
    """Return why this process cannot serve, with the way out; None if it can."""
    if not hasattr(socket, "AF_UNIX"):
        return (
            "This provider serves on a unix socket, which this Python does not have: on Windows run the engine in WSL."
        )
    name, value = COOKIE
    if environment.get(name) != value:
        return (
            "This program is a Terraform and OpenTofu provider. It is not meant to be run by hand: the engine starts "
            "it. With --debug it waits for an engine that attaches to it (TF_REATTACH_PROVIDERS)."
        )
    offered = environment.get("PLUGIN_PROTOCOL_VERSIONS", _PROTOCOL).split(",")
    if _PROTOCOL not in offered:
        return (
            f"This provider speaks plugin protocol 6 and the engine {', '.join(offered)}: use Terraform 1.0 or later."
        )
    return None


@contextlib.contextmanager
def _socket() -> Iterator[str]:
    """Yield the path for a socket, in a new directory that only this user may enter."""
    # Without the tempfile module: its import takes a tenth of the time until the handshake.
    home = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    directory = f"{home}/{_PREFIX}{os.urandom(8).hex()}"
    os.mkdir(directory, mode=0o700)  # noqa: PTH102
    path = f"{directory}/socket"
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        with contextlib.suppress(OSError):
            os.rmdir(directory)  # noqa: PTH106


def _remove_abandoned(home: str) -> None:
    """Remove the directories of plugins that were killed: no process listens on their sockets."""
    with contextlib.suppress(OSError), os.scandir(home) as entries:
        for entry in entries:
            if len(entry.name) == _NAME_LENGTH and entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(entry)


def _remove_if_abandoned(entry: os.DirEntry[str]) -> None:
    found = entry.stat(follow_symlinks=False)
    is_ours = entry.is_dir(follow_symlinks=False) and found.st_uid == os.geteuid()
    # A plugin that is starting does not listen yet.
    if not is_ours or time.time() - found.st_mtime < _START_SECONDS:
        return
    path = f"{entry.path}/socket"
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108
        os.rmdir(entry.path)  # noqa: PTH106


def _listen(server: grpc.Server, path: str, *, encrypted: bool) -> str:
    """Bind the socket, and return the certificate for the handshake line, empty without encryption."""
    if not encrypted:
        server.add_insecure_port(f"unix:{path}")
        return ""
    from resourcekit.terraform.tls import new_certificate

    certificate = new_certificate()
    server.add_secure_port(f"unix:{path}", grpc.ssl_server_credentials([(certificate.key_pem, certificate.pem)]))
    return certificate.announced


def _print_reattach(addresses: Sequence[str], path: str) -> None:
    import json

    attached = {
        "Protocol": "grpc",
        "ProtocolVersion": int(_PROTOCOL),
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "unix", "String": path},
    }
    print(f"TF_REATTACH_PROVIDERS='{json.dumps(dict.fromkeys(addresses, attached))}'", flush=True)


def _handlers(calls: Calls) -> Handlers:
    from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

    return method_handlers(pb.DESCRIPTOR.services_by_name["Provider"], calls)


class _GoPlugin(grpc.GenericRpcHandler):
    """RPCs of go-plugin itself: Shutdown and StreamStdio.

    Without Shutdown, go-plugin waits two seconds and kills the process. No field of their messages is used, so they are
    served as bytes.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "/plugin.GRPCController/Shutdown": grpc.unary_unary_rpc_method_handler(self._shutdown),
            "/plugin.GRPCStdio/StreamStdio": grpc.unary_stream_rpc_method_handler(self._stdio),
        }
        self._end = end

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method; None for a method of another service."""
        return self._methods.get(handler_call_details.method)

    def _shutdown(self, _request: bytes, _context: Any) -> bytes:
        self._end()
        return b""

    def _stdio(self, _request: bytes, context: Any) -> Iterator[bytes]:
        # No message is ever sent, but go-plugin logs a stream that ends at once as an error.
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        return iter(())
