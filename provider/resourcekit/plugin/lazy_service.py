"""A gRPC service whose code is loaded after the process has printed its address.

Engines start a plugin several times per command and wait for its first line each time. The code is loaded while the
engine connects. Calls with static responses are answered without the code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from resourcekit.plugin.fast_import import bulk_import
from resourcekit.plugin.sync_grpc import grpc

Handlers = Mapping[str, Any]
StaticReplies = Mapping[str, Callable[[], bytes]]
_MESSAGE_BYTES: Final = 400 * 1024 * 1024
MESSAGE_SIZES: Final = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
)


def _do_nothing() -> None:
    """Do nothing: the process loads the code without a request."""


class LazyGrpcService(grpc.GenericRpcHandler):
    """A gRPC service whose calls wait until its handlers are loaded.

    Args:
        name: The service's full name.
        load: Return the handlers by method.
        static_replies: The response messages of methods that need no handler, by method.
        on_first_call: Called once, on the first call of any other method.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Handlers],
        static_replies: StaticReplies | None = None,
        on_first_call: Callable[[], None] = _do_nothing,
    ) -> None:
        self._name = name
        self._load = load
        self._static: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            method: grpc.unary_unary_rpc_method_handler(lambda _request, _context, reply=reply: reply())
            for method, reply in (static_replies or {}).items()
        }
        self._on_first_call = on_first_call
        self._is_called = False
        self._handlers: Future[Handlers] = Future()

    def load(self) -> bool:
        """Load the handlers in this thread.

        Returns:
            False if that failed. The reason is on stderr, and the process must end.
        """
        try:
            with bulk_import():
                handlers = self._load()
        except Exception as error:
            print(f"{Path(sys.argv[0]).name} cannot start: {type(error).__name__}: {error}", file=sys.stderr)
            return False
        self._handlers.set_result(handlers)
        return True

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call (gRPC's interface)."""
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        if service != self._name:
            return None
        if method in self._static:
            return self._static[method]
        if not self._is_called:  # gRPC looks up the handlers of all calls in one thread
            self._is_called = True
            self._on_first_call()
        return self._handlers.result().get(method)


def method_handlers(service: Any, calls: Mapping[str, Callable[..., Any]]) -> Handlers:
    """Return gRPC handlers for functions. Methods without a function have no handler."""
    handlers = {}
    for method in service.methods:
        if method.name in calls:
            kind = (
                grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
            )
            handlers[method.name] = kind(
                calls[method.name],
                request_deserializer=method.input_type._concrete_class.FromString,
                response_serializer=method.output_type._concrete_class.SerializeToString,
            )
    return handlers
