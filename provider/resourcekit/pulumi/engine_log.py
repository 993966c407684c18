"""Send log lines to the engine, which shows each in its resource's row."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import grpc

from resourcekit.context import with_attribute
from resourcekit.pulumi.casing import camelize_code_spans
from resourcekit.pulumi.protocol import engine_pb2, engine_pb2_grpc
from resourcekit.redaction import Redactor


class EngineLog:
    """Sends log lines to the engine. A line that cannot be sent is dropped, so that it does not fail the operation."""

    def __init__(self) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def attach(self, address: str) -> None:
        """Send the lines to the engine at `address` (host:port); empty: keep the current engine."""
        if address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def info(self, urn: str, text: str) -> None:
        """Print a line."""
        self._send(engine_pb2.INFO, urn, text)

    def warn(self, urn: str, text: str) -> None:
        """Print a warning."""
        self._send(engine_pb2.WARNING, urn, text)

    def debug(self, urn: str, text: str) -> None:
        """Print a line if the engine runs with `--debug`."""
        self._send(engine_pb2.DEBUG, urn, text)

    def progress(self, urn: str, text: str) -> None:
        """Show a text in the resource's row until the next one replaces it."""
        self._send(engine_pb2.INFO, urn, text, ephemeral=True)

    def _send(
        self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, *, ephemeral: bool = False
    ) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=5)


@dataclass(frozen=True)
class ResourceLog:
    """The log of one resource, with secrets redacted and names in Pulumi's spelling."""

    log: EngineLog
    urn: str
    redactor: Redactor

    def info(self, text: str) -> None:
        """Print a line."""
        self.log.info(self.urn, self._format(text))

    def warn(self, text: str, attribute: str = "") -> None:
        """Print a warning, about one argument or, if `attribute` is empty, the whole object."""
        self.log.warn(self.urn, self._format(with_attribute(text, attribute)))

    def progress(self, text: str) -> None:
        """Show a text until the next one replaces it."""
        self.log.progress(self.urn, self._format(text))

    def _format(self, text: str) -> str:
        return self.redactor.redact(camelize_code_spans(text))
