"""The plugin process: go-plugin's handshake on stdout, then gRPC on a unix socket until Shutdown.

The handshake comes first, and the package is loaded when the first call needs it: an engine starts this process several
times a command, waits for that one line each time, and one of the processes is asked for the schema alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

from resourcekit.plugin.fast_import import grpc
from resourcekit.plugin.lazy_service import Handlers, LazyGrpcService, StaticReplies, method_handlers
from resourcekit.plugin.parent_watch import Watch, exit_when_stdout_closes
from resourcekit.terraform.handshake import COOKIE

_PROTOCOL = "6"
# `-parallelism=64` and more may wait at once; StopProvider and Shutdown must always find a thread.
_WORKERS = 128
_MESSAGE_BYTES = 256 * 1024 * 1024
_GRACE_SECONDS = 2
# What the main thread is told to do.
_LOAD, _END = "load", "end"

Calls = Mapping[str, Callable[..., Any]]


def serve(
    load: Callable[[], Calls],
    addresses: Sequence[str],
    argv: Sequence[str],
    known: StaticReplies | None = None,
    watch: Watch = exit_when_stdout_closes,
) -> int:
    """Serve until told to end, or until `watch` finds the engine gone; returns the exit status.

    load: gives the provider's calls, when one is needed that is not among the `known` answers. addresses: the
    provider's source addresses, one for each engine. argv: `--debug` serves until Ctrl-C and prints what
    TF_REATTACH_PROVIDERS should be.
    """
    debug = "--debug" in argv
    refusal = None if debug else _refusal(os.environ)
    if refusal:
        print(refusal, file=sys.stderr)
        return 1
    orders: SimpleQueue[str] = SimpleQueue()
    end = partial(orders.put, _END)
    for number in (signal.SIGINT, signal.SIGTERM):
        # The engine's own Ctrl-C reaches this process too, but the engine says by StopProvider what it wants.
        signal.signal(number, (lambda *_: end()) if debug or number == signal.SIGTERM else signal.SIG_IGN)
    if not debug:
        watch(end)
    with _socket() as path:
        provider = LazyGrpcService("tfplugin6.Provider", lambda: _handlers(load()), known, partial(orders.put, _LOAD))
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
        while orders.get() == _LOAD:
            if not provider.load():
                return 1
        server.stop(_GRACE_SECONDS).wait()
    return 0


def _refusal(environment: Mapping[str, str]) -> str | None:
    if not hasattr(socket, "AF_UNIX"):
        return (
            "This provider serves on a unix socket, which this Python does not have: on Windows run the engine in WSL."
        )
    name, value = COOKIE
    if environment.get(name) != value:
        return (
            "This program is a Terraform and OpenTofu provider. It is not meant to be run by hand: the engine starts "
            "it. With --debug it waits for an engine that is told to attach."
        )
    offered = environment.get("PLUGIN_PROTOCOL_VERSIONS", _PROTOCOL).split(",")
    if _PROTOCOL not in offered:
        return (
            f"This provider speaks plugin protocol 6 and the engine {', '.join(offered)}: use Terraform 1.0 or later."
        )
    return None


@contextlib.contextmanager
def _socket() -> Iterator[str]:
    """The path for a socket in a directory of our own, which nobody else may enter."""
    # Not by the tempfile module: importing it is a tenth of the time until the handshake.
    home = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    directory = f"{home}/plugin{os.urandom(8).hex()}"
    os.mkdir(directory, mode=0o700)  # noqa: PTH102
    path = f"{directory}/socket"
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        with contextlib.suppress(OSError):
            os.rmdir(directory)  # noqa: PTH106


def _listen(server: grpc.Server, path: str, *, encrypted: bool) -> str:
    """Bind; returns the certificate to announce, empty without encryption."""
    if not encrypted:
        server.add_insecure_port(f"unix:{path}")
        return ""
    from resourcekit.terraform.tls import new_certificate

    made = new_certificate()
    server.add_secure_port(f"unix:{path}", grpc.ssl_server_credentials([(made.key_pem, made.pem)]))
    return made.announced


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
    """What go-plugin itself asks: Shutdown, without which it waits two seconds and kills, and the output's stream.

    Both take and give messages without a field that is used, so bytes do.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "/plugin.GRPCController/Shutdown": grpc.unary_unary_rpc_method_handler(self._shutdown),
            "/plugin.GRPCStdio/StreamStdio": grpc.unary_stream_rpc_method_handler(self._stdio),
        }
        self._end = end

    def service(self, handler_call_details: Any) -> Any:
        return self._methods.get(handler_call_details.method)

    def _shutdown(self, _request: bytes, _context: Any) -> bytes:
        self._end()
        return b""

    def _stdio(self, _request: bytes, context: Any) -> Iterator[bytes]:
        # Nothing is ever sent, but a stream that ended at once would be logged as an error.
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        return iter(())
