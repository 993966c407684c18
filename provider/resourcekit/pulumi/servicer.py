"""The service pulumirpc.ResourceProvider for a package. This module serves the RPCs of the plugin and its settings."""

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
from resourcekit.pulumi.list_resources import ListRpcs
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
    "the provider's settings are not known yet, so this preview makes no call to the API, and the engine shows the "
    "children of existing components as deleted. Create the resources that the settings come from first (`pulumi up "
    "--target URN`), then preview the rest"
)


class ProviderServicer(ResourceRpcs, ListRpcs, InvokeRpcs, ConstructRpcs, provider_pb2_grpc.ResourceProviderServicer):
    """All RPCs of the engine, which calls from many threads at once.

    Args:
        package: The vendor's package.
        engine: The engine's log.
        warning: A warning about the start of this process, printed on Configure; empty: none.
    """

    def __init__(self, package: Package[Any], engine: EngineLog, warning: str = "") -> None:
        super().__init__(PulumiSession(package, engine))
        self._warning = warning

    @rpc_handler
    def Handshake(self, request: pb.ProviderHandshakeRequest, context: grpc.ServicerContext) -> Any:
        """Connect to the engine's log and return the provider's capabilities."""
        self.session.engine.attach(request.engine_address)
        return pb.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=True, supports_autonaming_configuration=True
        )

    @rpc_handler
    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Any:
        """Connect to the engine's log, in a plugin that a user has started."""
        self.session.engine.attach(request.address)
        return empty_pb2.Empty()

    @rpc_handler
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        """Return the release."""
        return plugin_pb2.PluginInfo(version=self.package.version)

    @rpc_handler
    def GetSchema(self, request: pb.GetSchemaRequest, context: grpc.ServicerContext) -> Any:
        """Return the package schema."""
        if request.version not in (0, 1):
            raise ResourceError(f"this provider writes schema version 1, not {request.version}")
        return pb.GetSchemaResponse(schema=json.dumps(package_schema(self.package)))

    @rpc_handler
    def GetMapping(self, request: pb.GetMappingRequest, context: grpc.ServicerContext) -> Any:
        """Return the mapping between Terraform's names and Pulumi's, or nothing for another key or provider."""
        # Imported on first use: only `pulumi convert` and `pulumi import` ask for it.
        from resourcekit.pulumi.terraform_mapping import KEYS, terraform_mapping

        if request.key not in KEYS or request.provider not in ("", self.package.name):
            return pb.GetMappingResponse()
        return pb.GetMappingResponse(provider=self.package.name, data=terraform_mapping(self.package))

    @rpc_handler
    def GetMappings(self, request: pb.GetMappingsRequest, context: grpc.ServicerContext) -> Any:
        """Return the Terraform providers that `GetMapping` has a mapping for."""
        from resourcekit.pulumi.terraform_mapping import KEYS

        return pb.GetMappingsResponse(providers=[self.package.name] if request.key in KEYS else [])

    @rpc_handler
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        """End all waits: the user has stopped the run."""
        self.session.cancel.set()
        self.session.failed.stop()
        return empty_pb2.Empty()

    @rpc_handler
    def CheckConfig(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        """Validate the provider's settings."""
        # The engine calls this for the settings of a program only. Those of the state reach Configure unchecked.
        self.session.has_program = True
        inputs = read_inputs(self.package.settings, request.news)
        checked = provider_config.check(self.package, inputs.values)
        if contains_unknown(inputs.values):
            # The engine makes no other call to a provider with unknown settings.
            self.session.engine.warn(request.urn, _UNKNOWN_SETTINGS)
        # The response goes into the state, and not every program marks the API key as secret.
        secrets = (to_camel(name) for name, spec in field_specs(self.package.settings).items() if spec.secret)
        return pb.CheckResponse(
            inputs=with_secrets(request.news, secrets),
            failures=check_failures(self.package.settings, checked.failures, inputs.secrets),
        )

    @rpc_handler
    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        """Compare the provider's settings with those of the last run."""
        olds = read_inputs(self.package.settings, request.old_inputs or request.olds)
        news = read_inputs(self.package.settings, request.news)
        return provider_config.diff(self.package, olds.values, news.values)

    @rpc_handler
    def Configure(self, request: pb.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        """Create the client for the provider's settings."""
        inputs = read_inputs(self.package.settings, request.args)
        if self._warning:
            self.session.engine.warn("", self._warning)
        self.session.configure(request.urn, request.id)
        # With unknown settings there is no client, and previews run without the API.
        if not contains_unknown(inputs.values):
            warn = partial(self.session.engine.warn, "")
            from_state = not self.session.has_program
            self.session.api = provider_config.configure_client(
                self.package, inputs.values, warn, from_state=from_state
            )
        return pb.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            acceptResources=False,
            acceptOutputs=True,
            supports_autonaming_configuration=True,
        )


def servicer_handlers(servicer: ProviderServicer) -> Handlers:
    """Return the gRPC handlers of the servicer's methods."""
    service = pb.DESCRIPTOR.services_by_name["ResourceProvider"]
    return method_handlers(service, {method.name: getattr(servicer, method.name) for method in service.methods})
