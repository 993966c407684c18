"""pulumirpc.ResourceProvider over a package's declarations: bytes to plain values, lifecycle, and back."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from resourcekit.component import Component
from resourcekit.context import Context
from resourcekit.declaration import fields_of
from resourcekit.errors import ResourceError
from resourcekit.keys import Keys, Ledger
from resourcekit.lifecycle import Lifecycle, Outcome, Values, explained_by
from resourcekit.loading import Handlers, handlers_of
from resourcekit.moving import Moving
from resourcekit.planning.check import check_declared
from resourcekit.pulumi import settings
from resourcekit.pulumi.contexts import context_for
from resourcekit.pulumi.diffs import diff_response
from resourcekit.pulumi.engine import EngineLog, Row
from resourcekit.pulumi.forced import Forced
from resourcekit.pulumi.names import camel
from resourcekit.pulumi.properties import Inputs, hidden_in, read_inputs, write_inputs, write_state
from resourcekit.pulumi.protocol import plugin_pb2, provider_pb2_grpc
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.replies import InitFailed, check_failures, explained
from resourcekit.pulumi.schema import write_schema
from resourcekit.pulumi.stack import objects_in, resources_in, stack_of, type_of
from resourcekit.resource import Function, Package
from resourcekit.unknown import UNKNOWN, has_unknown


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """One configured provider. The engine calls from many threads at once.

    warning: what the user should know of how this process was started; empty when there is nothing.
    """

    def __init__(self, package: Package[Any], engine: EngineLog, warning: str = "") -> None:
        self.package = package
        self.engine = engine
        self._warning = warning
        self._api: Any = None
        self._cancel = threading.Event()
        self._moving = Moving()
        self._instance = ""
        self._reference = ""
        self._ledger = Ledger(lambda: None)
        self._forced = Forced(lambda: None)
        self._lifecycles = {
            f"{package.name}:index:{resource.name}": Lifecycle(package, resource) for resource in package.resources
        }

    @cached_property
    def _functions(self) -> dict[str, Function[Any, Any, Any]]:
        return {f"{self.package.name}:index:{camel(each.name)}": each for each in self.package.functions}

    @cached_property
    def _components(self) -> dict[str, Component[Any, Any]]:
        return {f"{self.package.name}:index:{each.name}": each for each in self.package.components}

    # The plugin itself

    @explained
    def Handshake(self, request: pb.ProviderHandshakeRequest, context: grpc.ServicerContext) -> Any:
        self.engine.attach(request.engine_address)
        return pb.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=True)

    @explained
    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Any:
        self.engine.attach(request.address)
        return empty_pb2.Empty()

    @explained
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self.package.version)

    @explained
    def GetSchema(self, request: pb.GetSchemaRequest, context: grpc.ServicerContext) -> Any:
        if request.version not in (0, 1):
            raise ResourceError(f"this provider writes schema version 1, not {request.version}")
        return pb.GetSchemaResponse(schema=json.dumps(write_schema(self.package)))

    @explained
    def GetMapping(self, request: pb.GetMappingRequest, context: grpc.ServicerContext) -> Any:
        return pb.GetMappingResponse()

    @explained
    def GetMappings(self, request: pb.GetMappingsRequest, context: grpc.ServicerContext) -> Any:
        return pb.GetMappingsResponse()

    @explained
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        self._cancel.set()
        return empty_pb2.Empty()

    # Its settings

    @explained
    def CheckConfig(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        inputs = read_inputs(self.package.settings, request.news)
        checked = settings.check(self.package, inputs.values)
        return pb.CheckResponse(
            inputs=request.news, failures=check_failures(self.package.settings, checked.failures, inputs.secrets)
        )

    @explained
    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        olds = read_inputs(self.package.settings, request.old_inputs or request.olds)
        news = read_inputs(self.package.settings, request.news)
        return settings.diff(self.package, olds.values, news.values)

    @explained
    def Configure(self, request: pb.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        inputs = read_inputs(self.package.settings, request.args)
        if self._warning:
            self.engine.warn("", self._warning)
        self._cancel, self._moving = threading.Event(), Moving()
        # Made by the engine when the program first used this provider, and kept in the stack's state.
        self._instance = request.id
        self._reference = f"{request.urn}::{request.id}" if request.id else ""
        self._ledger = Ledger(lambda: objects_in(stack_of(request.urn), request.id))
        self._forced = Forced(lambda: resources_in(stack_of(request.urn), request.id))
        # Settings that are still unknown leave the provider unconnected: previews go on without the API.
        if not has_unknown(inputs.values):
            self._api = settings.connect(self.package, inputs.values, lambda text: self.engine.warn("", text))
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=True)

    # Resources

    @explained
    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.news)
        checked = check_declared(lifecycle.resource, inputs.values)
        return pb.CheckResponse(
            inputs=write_inputs(lifecycle.resource.arguments, Inputs(checked.values, inputs.secrets)),
            failures=check_failures(lifecycle.resource.arguments, checked.failures, inputs.secrets),
        )

    @explained
    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._three(lifecycle, request)
        ctx = self._preview_context(request)
        found, drifted = lifecycle.compare(
            state=olds.values,
            old_inputs=old_inputs.values,
            news=news.values,
            ignore=_ignored(lifecycle, request),
            ctx=ctx,
        )
        self._forced.note(request.urn, request.id, olds.values)
        return diff_response(lifecycle.resource, found, drifted)

    @explained
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.properties)
        if request.preview:
            asking = self._preview_context(request)
            if asking is not None:
                self._forced.refuse(lifecycle, request.urn, inputs.values, asking)
            planned = lifecycle.preview_create(inputs.values, asking)
            return pb.CreateResponse(properties=self._written(lifecycle, planned, inputs, request))
        ctx = self._context(request, request.timeout or lifecycle.resource.timeouts.create)
        self._forced.refuse(lifecycle, request.urn, inputs.values, ctx)
        # An engine that does not name its providers leaves the keys to chance.
        seed = f"{self._instance} {request.urn}" if self._instance else None
        ctx.keys = Keys(self._token(request.urn, request.type), seed, self._ledger)
        outcome = lifecycle.create(inputs.values, ctx)
        self._forced.note(request.urn, outcome.id, outcome.state)
        properties = self._finished(lifecycle, outcome, inputs, request)
        return pb.CreateResponse(id=outcome.id, properties=properties)

    @explained
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._three(lifecycle, request)
        changed = lifecycle.difference(
            state=olds.values,
            old_inputs=old_inputs.values,
            news=news.values,
            ignore=_ignored(lifecycle, request),
            ctx=self._preview_context(request),
        ).changed
        if request.preview:
            ctx = self._preview_context(request)
            planned = lifecycle.preview_update(news.values, olds.values, changed, ctx)
            self._moving.note(lifecycle.resource.name, request.id, (n for n in planned if planned[n] is UNKNOWN))
            return pb.UpdateResponse(properties=self._written(lifecycle, planned, news, request))
        ctx = self._context(request, request.timeout or lifecycle.resource.timeouts.update)
        self._moving.note(lifecycle.resource.name, request.id)
        outcome = lifecycle.update(request.id, news.values, olds.values, changed, ctx)
        return pb.UpdateResponse(properties=self._finished(lifecycle, outcome, news, request))

    @explained
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_inputs(lifecycle.resource.state, request.properties)
        ctx = self._context(request, request.timeout or lifecycle.resource.timeouts.delete)
        self._forced.refuse_left_over(lifecycle, request.urn, request.id, state.values)
        lifecycle.delete(request.id, state.values, ctx)
        return empty_pb2.Empty()

    @explained
    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_inputs(lifecycle.resource.state, request.properties)
        inputs = read_inputs(lifecycle.resource.arguments, request.inputs)
        found = lifecycle.read(request.id, state.values, inputs.values, self._context(request, 300))
        if found is None:
            return pb.ReadResponse()
        there = Inputs(found.inputs, state.secrets | inputs.secrets)
        return pb.ReadResponse(
            id=found.id,
            properties=self._written(lifecycle, found.state, there, request),
            inputs=write_inputs(lifecycle.resource.arguments, there),
        )

    # Components

    @explained
    def Construct(self, request: pb.ConstructRequest, context: grpc.ServicerContext) -> Any:
        # Loaded when it is needed: most runs have no components.
        from resourcekit.pulumi.construct import construct

        component = self._components.get(request.type)
        if component is None:
            raise ResourceError(f"this provider has no component {request.type!r}")
        return construct(
            self.package.name, component, request, self._reference, lambda urn, text: self.engine.warn(urn, text)
        )

    # Functions

    @explained
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> Any:
        function = self._functions.get(request.tok)
        if function is None:
            raise ResourceError(f"this provider has no function {request.tok!r}")
        inputs = read_inputs(function.arguments, request.args)
        checked = check_declared(function, inputs.values)
        if checked.failures:
            failures = check_failures(function.arguments, checked.failures, inputs.secrets)
            return pb.InvokeResponse(failures=failures)
        result = self._call(function, checked.values, request)
        reply = {"return": write_state(function.result, result, frozenset(), hidden_in(request))}
        return pb.InvokeResponse(**reply)  # type: ignore[arg-type]  # `return` is a keyword in Python

    def _call(self, function: Function[Any, Any, Any], values: dict[str, Any], request: pb.InvokeRequest) -> Values:
        ctx = self._context(request, 120)
        typed = function.arguments.model_validate(values)
        result = explained_by(self.package, lambda: function.call(typed, ctx))
        return dict(result.model_dump(mode="json"))

    # Helpers

    def _lifecycle(self, urn: str, token: str, id: str = "") -> Lifecycle:
        """The lifecycle of a resource. id: the object's, which the stack's state then holds."""
        token = self._token(urn, token)
        found = self._lifecycles.get(token)
        if found is None:
            raise ResourceError(f"this provider has no resource {token!r}; it has {', '.join(self._lifecycles)}")
        self._ledger.note(token, id)
        return found

    def _token(self, urn: str, token: str) -> str:
        # Engines before 3.1xx leave `type` empty: it is the last but one part of the URN then.
        return token or type_of(urn)

    def _three(self, lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest) -> tuple[Inputs, Inputs, Inputs]:
        """Old state, old inputs, new inputs."""
        arguments = lifecycle.resource.arguments
        return (
            read_inputs(lifecycle.resource.state, request.olds),
            read_inputs(arguments, request.old_inputs),
            read_inputs(arguments, request.news),
        )

    def _written(self, lifecycle: Lifecycle, state: Values, inputs: Inputs, request: Message) -> Any:
        """A state to answer with."""
        return write_state(lifecycle.resource.state, state, inputs.secrets, hidden_in(request))

    def _finished(self, lifecycle: Lifecycle, outcome: Outcome, inputs: Inputs, request: Message) -> Any:
        """The state to answer with; raises InitFailed when the object is there but not complete."""
        properties = self._written(lifecycle, outcome.state, inputs, request)
        if outcome.unfinished:
            sent = write_inputs(lifecycle.resource.arguments, inputs)
            raise InitFailed(outcome.id, properties, sent, outcome.unfinished)
        return properties

    def _preview_context(self, request: Message) -> Context[Any] | None:
        return None if self._api is None else self._context(request, 120)

    def _context(self, request: Message, seconds: float) -> Context[Any]:
        if self._api is None:
            raise ResourceError("the provider's settings are not known yet, so it cannot reach the API")
        return context_for(
            Row(self.engine, getattr(request, "urn", ""), hidden_in(request)),
            seconds,
            package=self.package,
            api=self._api,
            cancel=self._cancel,
            moving=self._moving,
        )


def handlers(servicer: ProviderServicer) -> Handlers:
    """The servicer's methods as a server takes them."""
    service = pb.DESCRIPTOR.services_by_name["ResourceProvider"]
    return handlers_of(service, {method.name: getattr(servicer, method.name) for method in service.methods})


def _ignored(lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest) -> frozenset[str]:
    """The arguments that `ignoreChanges` names, by their declared names; a path inside one names it whole."""
    wanted = {path.split(".")[0].split("[")[0] for path in request.ignoreChanges}
    return frozenset(name for name in fields_of(lifecycle.resource.arguments) if camel(name) in wanted)
