"""A gRPC service whose code is loaded after the process has said that it is there.

Engines start a plugin several times a command and wait for its first line each time; while they connect, it loads.
What is known beforehand is answered without loading.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from resourcekit.plugin.fast_import import bulk_import, grpc

Handlers = Mapping[str, Any]
StaticReplies = Mapping[str, Callable[[], bytes]]
_MESSAGE_BYTES: Final = 400 * 1024 * 1024
MESSAGE_SIZES: Final = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
)


def _nobody() -> None:
    """Loads without being asked to."""


class LazyGrpcService(grpc.GenericRpcHandler):
    """The service `name`; its first calls wait until `load` has given the handlers, by the methods' names.

    known: the answers of methods that need no handler. wanted: told, once, that another method was asked for.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Handlers],
        known: StaticReplies | None = None,
        wanted: Callable[[], None] = _nobody,
    ) -> None:
        self._name = name
        self._load = load
        self._known: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            method: grpc.unary_unary_rpc_method_handler(lambda _request, _context, answer=answer: answer())
            for method, answer in (known or {}).items()
        }
        self._wanted = wanted
        self._is_wanted = False
        self._handlers: Future[Handlers] = Future()

    def load(self) -> bool:
        """Load now, in this thread. False when that failed, which is told on stderr: the process has to end."""
        try:
            with bulk_import():
                handlers = self._load()
        except Exception as error:
            print(f"{Path(sys.argv[0]).name} cannot start: {type(error).__name__}: {error}", file=sys.stderr)
            return False
        self._handlers.set_result(handlers)
        return True

    def service(self, handler_call_details: Any) -> Any:
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        if service != self._name:
            return None
        if method in self._known:
            return self._known[method]
        if not self._is_wanted:  # one thread asks for handlers, of all calls
            self._is_wanted = True
            self._wanted()
        return self._handlers.result().get(method)


def method_handlers(service: Any, calls: Mapping[str, Callable[..., Any]]) -> Handlers:
    """The handlers of a service's methods that `calls` has. service: its protobuf descriptor."""
    found = {}
    for method in service.methods:
        if method.name in calls:
            kind = (
                grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
            )
            found[method.name] = kind(
                calls[method.name],
                request_deserializer=method.input_type._concrete_class.FromString,
                response_serializer=method.output_type._concrete_class.SerializeToString,
            )
    return found
