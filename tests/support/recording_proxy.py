"""A gRPC server between an engine and a Terraform plugin, which records what they send each other."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import grpc

from polykomos_provider.install.addresses import ADDRESSES
from support.tfplugin import Plugin

SERVICE = "/tfplugin6.Provider/"
OPTIONS = [("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20)]


class RecordingProxy(grpc.GenericRpcHandler):
    """Passes the calls of engines that attach to it on to a plugin.

    calls: the method, the request and the response of each call that has ended, as bytes.
    """

    def __init__(self, plugin: Plugin) -> None:
        self.calls: list[tuple[str, bytes, bytes]] = []
        self._plugin = plugin
        self._directory = tempfile.TemporaryDirectory()
        self._socket = Path(self._directory.name) / "socket"
        self._server = grpc.server(ThreadPoolExecutor(), handlers=[self], options=OPTIONS)
        self._server.add_insecure_port(f"unix:{self._socket}")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()
        self._directory.cleanup()

    @property
    def reattach(self) -> str:
        """What an engine that is to attach has as TF_REATTACH_PROVIDERS."""
        address = {"Network": "unix", "String": str(self._socket)}
        server = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
        return json.dumps(dict.fromkeys(ADDRESSES, server))

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method; None for a method of another service."""
        method = handler_call_details.method
        if not method.startswith(SERVICE):
            return None
        forward = self._plugin.channel.unary_unary(method)

        def handle(request: bytes, _context: grpc.ServicerContext) -> bytes:
            response: bytes = forward(request)
            self.calls.append((method.removeprefix(SERVICE), request, response))
            return response

        return grpc.unary_unary_rpc_method_handler(handle)
