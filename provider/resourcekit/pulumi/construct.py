"""Construct: the RPC that creates a component."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import grpc

from resourcekit.component import Component
from resourcekit.errors import ResourceError
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.rpc_errors import rpc_handler
from resourcekit.pulumi.session import RpcGroup


class ConstructRpcs(RpcGroup):
    """The RPC of a package's components."""

    @cached_property
    def _components(self) -> dict[str, Component[Any, Any]]:
        return {f"{self.package.name}:index:{each.name}": each for each in self.package.components}

    @rpc_handler
    def Construct(self, request: pb.ConstructRequest, context: grpc.ServicerContext) -> Any:
        """Register a component and its children at the engine."""
        # Imported on first use: most runs have no components.
        from resourcekit.pulumi.component_registration import construct

        component = self._components.get(request.type)
        if component is None:
            raise ResourceError(f"this provider has no component {request.type!r}")
        session = self.session
        return construct(self.package.name, component, request, session.reference, session.engine.warn, session.failed)
