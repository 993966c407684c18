"""The engine's log: lines into the resource's row."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import grpc

from resourcekit.context import with_attribute
from resourcekit.pulumi.casing import camelize_code_spans
from resourcekit.pulumi.protocol import engine_pb2, engine_pb2_grpc
from resourcekit.redaction import Redactor


class EngineLog:
    """Sends log lines to the engine. Losing one never fails the work, so errors are swallowed."""

    def __init__(self) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def attach(self, address: str) -> None:
        """Talk to the engine at `address` (host:port)."""
        if address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def info(self, urn: str, text: str) -> None:
        """A line that stays."""
        self._send(engine_pb2.INFO, urn, text)

    def warn(self, urn: str, text: str) -> None:
        """A warning that stays."""
        self._send(engine_pb2.WARNING, urn, text)

    def debug(self, urn: str, text: str) -> None:
        """Shown with the engine's --debug only."""
        self._send(engine_pb2.DEBUG, urn, text)

    def progress(self, urn: str, text: str) -> None:
        """Shows in the resource's row until the next one."""
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
    """One resource's row, where nothing hidden shows."""

    log: EngineLog
    urn: str
    redactor: Redactor

    def info(self, text: str) -> None:
        """A line that stays."""
        self.log.info(self.urn, self._shown(text))

    def warn(self, text: str, attribute: str = "") -> None:
        """A warning that stays. attribute: the argument that it is about; empty: the whole."""
        self.log.warn(self.urn, self._shown(with_attribute(text, attribute)))

    def progress(self, text: str) -> None:
        """Shows until the next one."""
        self.log.progress(self.urn, self._shown(text))

    def _shown(self, text: str) -> str:
        return self.redactor.redact(camelize_code_spans(text))
