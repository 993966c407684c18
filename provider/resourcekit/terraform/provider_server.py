"""The provider server: its schema, its settings, and the table of its RPCs."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from resourcekit.errors import CheckError, CheckFailure
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.pending_changes import PendingChanges
from resourcekit.provider_config import configure_client, validate_config
from resourcekit.resource import DataSource
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.data_source_type import DataSourceType
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.plan_cache import PlanCache
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.rpc.action import ActionRpcs
from resourcekit.terraform.rpc.data_source import DataSourceRpcs
from resourcekit.terraform.rpc.ephemeral import EphemeralRpcs
from resourcekit.terraform.rpc.function import FunctionRpcs
from resourcekit.terraform.rpc.import_state import StateRpcs
from resourcekit.terraform.rpc.list_resource import ListRpcs
from resourcekit.terraform.rpc.resource import ResourceRpcs
from resourcekit.terraform.schema import Schema, arguments_block, function_block
from resourcekit.terraform.schema_proto import identity_schema, schema_to_proto
from resourcekit.terraform.session import TerraformSession
from resourcekit.terraform_names import function_type, resource_type
from resourcekit.unknown import contains_unknown

_CAPABILITIES = pb.ServerCapabilities(
    plan_destroy=True, get_provider_schema_optional=True, move_resource_state=True, generate_resource_config=True
)


class ProviderServer:
    """A package as a Terraform provider."""

    def __init__(self, package: Package[Any]) -> None:
        self.package = package
        self.session = TerraformSession(package)
        self.block: Schema = arguments_block(package.settings, package.description, optional=package.environment.keys())
        self.kinds = {
            resource_type(package, each): ResourceType(resource_type(package, each), Lifecycle(package, each))
            for each in package.resources
        }
        self.listable = {name: kind for name, kind in self.kinds.items() if kind.resource.supports_list}
        self.functions = FunctionRpcs(self.session)

    @cached_property
    def sources(self) -> Mapping[str, DataSourceType]:
        """The data sources."""
        return self._types(self.package.data_sources)

    @cached_property
    def ephemerals(self) -> Mapping[str, DataSourceType]:
        """The ephemeral resources."""
        return self._types(self.package.ephemeral_resources)

    @cached_property
    def actions(self) -> Mapping[str, DataSourceType]:
        """The actions."""
        return {
            function_type(self.package, each): DataSourceType(
                each, arguments_block(each.arguments, inspect.getdoc(type(each)) or "")
            )
            for each in self.package.actions
        }

    def method_table(self, shared: int | None = None) -> Mapping[str, Callable[..., Any]]:
        """Return every RPC, by its name in the protocol.

        Args:
            shared: A file that the plugin processes of one command share (`PlanCache`); None if there is none.
        """
        self.session.plan_cache = PlanCache(shared)
        resource = ResourceRpcs(self.session, self.kinds)
        state = StateRpcs(self.session, self.kinds)
        data_source = DataSourceRpcs(self.session, lambda: self.sources)
        ephemeral = EphemeralRpcs(self.session, lambda: self.ephemerals)
        list_resource = ListRpcs(self.session, self.listable)
        function = self.functions
        action = ActionRpcs(self.session, lambda: self.actions)
        return {
            # The provider: in this file.
            "GetMetadata": self.GetMetadata,
            "GetProviderSchema": self.GetProviderSchema,
            "GetResourceIdentitySchemas": self.GetResourceIdentitySchemas,
            "ValidateProviderConfig": self.ValidateProviderConfig,
            "ConfigureProvider": self.ConfigureProvider,
            "StopProvider": self.StopProvider,
            # Managed resources: rpc/resource.py.
            "ValidateResourceConfig": resource.ValidateResourceConfig,
            "PlanResourceChange": resource.PlanResourceChange,
            "ApplyResourceChange": resource.ApplyResourceChange,
            "ReadResource": resource.ReadResource,
            # States from elsewhere: rpc/import_state.py.
            "ImportResourceState": state.ImportResourceState,
            "UpgradeResourceState": state.UpgradeResourceState,
            "UpgradeResourceIdentity": state.UpgradeResourceIdentity,
            "MoveResourceState": state.MoveResourceState,
            "GenerateResourceConfig": state.GenerateResourceConfig,
            # Data sources: rpc/data_source.py.
            "ValidateDataResourceConfig": data_source.ValidateDataResourceConfig,
            "ReadDataSource": data_source.ReadDataSource,
            # Ephemeral resources: rpc/ephemeral.py.
            "ValidateEphemeralResourceConfig": ephemeral.ValidateEphemeralResourceConfig,
            "OpenEphemeralResource": ephemeral.OpenEphemeralResource,
            "RenewEphemeralResource": ephemeral.RenewEphemeralResource,
            "CloseEphemeralResource": ephemeral.CloseEphemeralResource,
            # List resources: rpc/list_resource.py.
            "ValidateListResourceConfig": list_resource.ValidateListResourceConfig,
            "ListResource": list_resource.ListResource,
            # Functions: rpc/function.py.
            "GetFunctions": function.GetFunctions,
            "CallFunction": function.CallFunction,
            # Actions: rpc/action.py.
            "ValidateActionConfig": action.ValidateActionConfig,
            "PlanAction": action.PlanAction,
            "InvokeAction": action.InvokeAction,
        }

    @rpc_handler(pb.GetMetadata.Response, "describe the provider")
    def GetMetadata(self, _request: pb.GetMetadata.Request, _report: Diagnostics) -> Any:
        """Return the names of all types and functions."""
        message = pb.GetMetadata
        return message.Response(
            server_capabilities=_CAPABILITIES,
            resources=[message.ResourceMetadata(type_name=name) for name in self.kinds],
            data_sources=[message.DataSourceMetadata(type_name=name) for name in self.sources],
            functions=[message.FunctionMetadata(name=name) for name in self.functions.declared],
            ephemeral_resources=[message.EphemeralResourceMetadata(type_name=name) for name in self.ephemerals],
            list_resources=[message.ListResourceMetadata(type_name=name) for name in self.listable],
            actions=[message.ActionMetadata(type_name=name) for name in self.actions],
        )

    @rpc_handler(pb.GetProviderSchema.Response, "describe the provider")
    def GetProviderSchema(self, _request: pb.GetProviderSchema.Request, _report: Diagnostics) -> Any:
        """Return the schemas of the provider and of all types."""
        text = self.session.localize
        return pb.GetProviderSchema.Response(
            server_capabilities=_CAPABILITIES,
            provider=schema_to_proto(self.block, text),
            resource_schemas={name: schema_to_proto(kind.block, text) for name, kind in self.kinds.items()},
            data_source_schemas={name: schema_to_proto(each.block, text) for name, each in self.sources.items()},
            ephemeral_resource_schemas={
                name: schema_to_proto(each.block, text) for name, each in self.ephemerals.items()
            },
            list_resource_schemas={name: schema_to_proto(Schema(()), text) for name in self.listable},
            action_schemas={
                name: pb.ActionSchema(schema=schema_to_proto(each.block, text)) for name, each in self.actions.items()
            },
            functions=self.functions.signatures(),
        )

    @rpc_handler(pb.GetResourceIdentitySchemas.Response, "describe the provider")
    def GetResourceIdentitySchemas(self, _request: pb.GetResourceIdentitySchemas.Request, _report: Diagnostics) -> Any:
        """Return the identity schema of each resource type."""
        return pb.GetResourceIdentitySchemas.Response(identity_schemas={name: identity_schema() for name in self.kinds})

    @rpc_handler(pb.ValidateProviderConfig.Response, "validate the provider's settings")
    def ValidateProviderConfig(self, request: pb.ValidateProviderConfig.Request, report: Diagnostics) -> Any:
        """Check the provider block and the environment."""
        self._settings(self._block_settings(request.config, report))
        return pb.ValidateProviderConfig.Response()

    @rpc_handler(pb.ConfigureProvider.Response, "configure the provider")
    def ConfigureProvider(self, request: pb.ConfigureProvider.Request, report: Diagnostics) -> Any:
        """Connect to the API with the settings. If one of them is unknown, the next plans work without the API."""
        block_settings = self._block_settings(request.config, report)
        settings = self._settings(block_settings)
        # New for every configuration: a `--debug` process goes on after an engine stopped it, for the next engine.
        self.session.cancel, self.session.pending_changes = threading.Event(), PendingChanges()
        if not contains_unknown(settings):
            engine = f"terraform/{request.terraform_version}"
            api = configure_client(self.package, block_settings, engine, report.warn, _source)
            self.session.configure(api, settings.get(self.package.idempotency_scope_setting) or "")
            self.session.plan_cache.open(sorted(settings.items()))
        return pb.ConfigureProvider.Response()

    def StopProvider(self, _request: pb.StopProvider.Request, _context: Any) -> Any:
        """End every wait, because the user stops the run. The process goes on until Shutdown."""
        self.session.cancel.set()
        return pb.StopProvider.Response()

    def _types(self, functions: Iterable[DataSource[Any, Any, Any]]) -> dict[str, DataSourceType]:
        return {function_type(self.package, each): DataSourceType(each, function_block(each)) for each in functions}

    def _block_settings(self, config: pb.DynamicValue, report: Diagnostics) -> dict[str, Any]:
        """Return the settings of the provider block, with None for those that are unset."""
        report.types = self.block.types
        values = self.block.read(config)
        if values is None:
            raise WireError("the engine sent null where the provider's settings belong")
        return {name: self.block.to_plain(values, name) for name in self.block.types}

    def _settings(self, block_settings: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of the provider block and of the environment, in normal form.

        Raises:
            CheckError: A setting is invalid or missing.
        """
        validated = validate_config(self.package, block_settings)
        if validated.failures:
            raise CheckError(tuple(self._with_way_out(failure) for failure in validated.failures))
        return validated.values

    def _with_way_out(self, failure: CheckFailure) -> CheckFailure:
        variable = self.package.environment.get(failure.property)
        if variable is None:
            return failure
        way_out = f"set it in the provider's block or in the environment as {variable}"
        return CheckFailure(failure.property, f"{failure.reason}; {way_out}")


def _source(name: str) -> str:
    return f"`{name}` of the provider's block"
