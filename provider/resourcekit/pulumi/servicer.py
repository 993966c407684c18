"""pulumirpc.ResourceProvider over a package's declarations: the plugin itself and its settings."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2

from resourcekit.errors import ResourceError
from resourcekit.fields import field_specs
from resourcekit.package import Package
from resourcekit.plugin.lazy_service import Handlers, method_handlers
from resourcekit.pulumi import provider_config
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.construct import ConstructRpcs
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.invoke import InvokeRpcs
from resourcekit.pulumi.properties import read_inputs
from resourcekit.pulumi.property_value import with_secrets
from resourcekit.pulumi.protocol import plugin_pb2, provider_pb2_grpc
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.resource_rpcs import ResourceRpcs
from resourcekit.pulumi.rpc_errors import check_failures, rpc_handler
from resourcekit.pulumi.schema import package_schema
from resourcekit.pulumi.session import PulumiSession
from resourcekit.unknown import contains_unknown

_UNKNOWN_SETTINGS: Final = (
    "the settings are not known yet, so this preview asks the API nothing, and the engine takes the parts of existing "
    "components for deleted. Make what the settings come from first (`pulumi up --target URN`), then preview the rest"
)


class ProviderServicer(ResourceRpcs, InvokeRpcs, ConstructRpcs, provider_pb2_grpc.ResourceProviderServicer):
    """All calls of the engine, which come from many threads at once.

    warning: what the user should know of how this process was started; empty when there is nothing.
    """

    def __init__(self, package: Package[Any], engine: EngineLog, warning: str = "") -> None:
        super().__init__(PulumiSession(package, engine))
        self._warning = warning

    @rpc_handler
    def Handshake(self, request: pb.ProviderHandshakeRequest, context: grpc.ServicerContext) -> Any:
        self.session.engine.attach(request.engine_address)
        return pb.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=True)

    @rpc_handler
    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Any:
        self.session.engine.attach(request.address)
        return empty_pb2.Empty()

    @rpc_handler
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self.package.version)

    @rpc_handler
    def GetSchema(self, request: pb.GetSchemaRequest, context: grpc.ServicerContext) -> Any:
        if request.version not in (0, 1):
            raise ResourceError(f"this provider writes schema version 1, not {request.version}")
        return pb.GetSchemaResponse(schema=json.dumps(package_schema(self.package)))

    @rpc_handler
    def GetMapping(self, request: pb.GetMappingRequest, context: grpc.ServicerContext) -> Any:
        return pb.GetMappingResponse()

    @rpc_handler
    def GetMappings(self, request: pb.GetMappingsRequest, context: grpc.ServicerContext) -> Any:
        return pb.GetMappingsResponse()

    @rpc_handler
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        self.session.cancel.set()
        self.session.failed.stop()
        return empty_pb2.Empty()

    @rpc_handler
    def CheckConfig(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        # The engine checks the settings of a program; those of the state come to Configure unchecked.
        self.session.has_program = True
        inputs = read_inputs(self.package.settings, request.news)
        checked = provider_config.check(self.package, inputs.values)
        if contains_unknown(inputs.values):
            # The engine calls nothing else of a provider whose settings it does not know.
            self.session.engine.warn(request.urn, _UNKNOWN_SETTINGS)
        # Not all programs mark the key: what is answered here goes into the state.
        secrets = (to_camel(name) for name, facts in field_specs(self.package.settings).items() if facts.secret)
        return pb.CheckResponse(
            inputs=with_secrets(request.news, secrets),
            failures=check_failures(self.package.settings, checked.failures, inputs.secrets),
        )

    @rpc_handler
    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        olds = read_inputs(self.package.settings, request.old_inputs or request.olds)
        news = read_inputs(self.package.settings, request.news)
        return provider_config.diff(self.package, olds.values, news.values)

    @rpc_handler
    def Configure(self, request: pb.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        inputs = read_inputs(self.package.settings, request.args)
        if self._warning:
            self.session.engine.warn("", self._warning)
        self.session.configure(request.urn, request.id)
        # Settings that are still unknown leave the provider unconnected: previews go on without the API.
        if not contains_unknown(inputs.values):
            warn = partial(self.session.engine.warn, "")
            from_state = not self.session.has_program
            self.session.api = provider_config.configure_client(
                self.package, inputs.values, warn, from_state=from_state
            )
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=True)


def servicer_handlers(servicer: ProviderServicer) -> Handlers:
    """The servicer's methods as a server takes them."""
    service = pb.DESCRIPTOR.services_by_name["ResourceProvider"]
    return method_handlers(service, {method.name: getattr(servicer, method.name) for method in service.methods})
