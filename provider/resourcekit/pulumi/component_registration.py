"""A component's children, registered at the engine one after the other, and its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import grpc

from resourcekit.component import Child, ChildRef, Component, Output, merge_outputs, resolve_refs
from resourcekit.errors import ResourceError
from resourcekit.fields import field_specs
from resourcekit.planning.validate import validate_declaration
from resourcekit.plugin.lazy_service import MESSAGE_SIZES
from resourcekit.pulumi.casing import camelize_code_spans, to_camel, to_property_names
from resourcekit.pulumi.failed_resources import FailedResources
from resourcekit.pulumi.properties import read_outputs, write_outputs
from resourcekit.pulumi.property_path import ANY, Path, contains, format_path, parse_all
from resourcekit.pulumi.property_value import decode, encode
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.protocol import resource_pb2, resource_pb2_grpc
from resourcekit.pulumi.rpc_errors import InvalidInputsError

_Request = resource_pb2.RegisterResourceRequest


@dataclass(frozen=True)
class _Made:
    """A child that is registered."""

    urn: str
    fields: dict[str, Output]


def construct(
    package: str,
    component: Component[Any, Any],
    request: pb.ConstructRequest,
    own: str,
    warn: Callable[[str, str], None],
    failed: FailedResources,
) -> pb.ConstructResponse:
    """Check, register, answer. own: the reference of the provider that was asked, which makes the children as well.

    warn: a line in the row of a URN. failed: the children that this process could not make. Raises InvalidInputs before
    anything is registered, ResourceError where a child could not be made.
    """
    dependencies = {name: frozenset(each.urns) for name, each in request.inputDependencies.items()}
    given = read_outputs(component.arguments, request.inputs, dependencies)
    checked = validate_declaration(component, {name: merge_outputs(value).value for name, value in given.items()})
    if checked.failures:
        raise InvalidInputsError(component.arguments, checked.failures, decode(request.inputs).secrets)
    with grpc.insecure_channel(request.monitorEndpoint, options=MESSAGE_SIZES) as channel:
        monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
        return _Construction(package, component, request, own, monitor, failed).run(given, warn)


class _Construction:
    def __init__(
        self,
        package: str,
        component: Component[Any, Any],
        request: pb.ConstructRequest,
        own: str,
        monitor: resource_pb2_grpc.ResourceMonitorStub,
        failed: FailedResources,
    ) -> None:
        self._package = package
        self._component = component
        self._request = request
        self._provider = request.providers.get(package) or own
        self._monitor = monitor
        self._failed = failed
        self._made: dict[str, _Made] = {}

    def run(self, given: Mapping[str, Any], warn: Callable[[str, str], None]) -> pb.ConstructResponse:
        urn = self._register(component_request(self._request)).urn
        secret = frozenset(self._request.additionalSecretOutputs)
        for note in self._component.preview_warnings(given):
            warn(urn, camelize_code_spans(note))
        for child in self._component.children(given):
            request = self._child_request(urn, child)
            reply = self._register(request)
            self._made[child.name] = _Made(reply.urn, _fields(child, reply))
        outputs = {
            # The engine itself does not heed this option of a component.
            name: replace(merge_outputs(value), secret=True) if to_camel(name) in secret else value
            for name, value in self._component.outputs({name: made.fields for name, made in self._made.items()}).items()
        }
        state = write_outputs(self._component.result, outputs)
        told = resource_pb2.RegisterResourceOutputsRequest(urn=urn, outputs=state)
        self._ask(self._monitor.RegisterResourceOutputs, told, self._request.name)
        return pb.ConstructResponse(
            urn=urn,
            state=state,
            stateDependencies={
                to_camel(name): pb.ConstructResponse.PropertyDependencies(urns=sorted(merge_outputs(value).sources))
                for name, value in outputs.items()
            },
        )

    def _register(self, request: _Request) -> resource_pb2.RegisterResourceResponse:
        reply: resource_pb2.RegisterResourceResponse = self._ask(self._monitor.RegisterResource, request, request.name)
        if reply.result == resource_pb2.FAIL:
            raise _not_done(request.name)
        return reply

    def _ask(self, call: Any, request: Any, name: str) -> Any:
        woken = threading.Event()
        with self._failed.waking(woken.set):
            answer = call.future(request)
            answer.add_done_callback(lambda _: woken.set())
            while not answer.done():
                if self._failed.concerns(getattr(request, "parent", ""), getattr(request, "type", ""), name):
                    raise _not_done(name)
                woken.wait()
                woken.clear()
        try:
            return answer.result()
        except grpc.RpcError as error:
            # What the engine says when it stops is nothing that the user could mend.
            stopped = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            raise _not_done(name, "" if stopped else f": {error.details()}") from None

    def _waited_for(self) -> set[str]:
        """What the program has the component wait for (`dependsOn`): its children do too, so that it outlives them."""
        by_property = (each.urns for each in self._request.inputDependencies.values())
        return set(self._request.dependencies).difference(*by_property)

    def _child_request(self, parent: str, child: Child) -> _Request:
        fields = {name: made.fields for name, made in self._made.items()}
        arguments = child.kind.arguments
        args = to_property_names(arguments, resolve_refs(child.args, fields))
        sources = {name: merge_outputs(value).sources for name, value in args.items()}
        before = {*self._waited_for(), *(self._made[name].urn for name in child.after)}
        message = _Request(
            type=f"{self._package}:index:{child.kind.name}",
            name=f"{self._request.name}-{child.name}",
            parent=parent,
            custom=True,
            object=encode(args),
            protect=child.protected,
            provider=self._provider,
            dependencies=sorted(before.union(*sources.values())),
            propertyDependencies={
                name: _Request.PropertyDependencies(urns=sorted(urns)) for name, urns in sources.items()
            },
            ignoreChanges=paths_of_child(self._request.ignoreChanges, child, self._component),
            replaceOnChanges=paths_of_child(self._request.replaceOnChanges, child, self._component),
            acceptSecrets=True,
            supportsPartialValues=True,
            supportsResultReporting=True,
            parentStackTraceHandle=self._request.stack_trace_handle,
        )
        if self._request.HasField("customTimeouts"):
            times = self._request.customTimeouts
            message.customTimeouts.CopyFrom(
                _Request.CustomTimeouts(create=times.create, update=times.update, delete=times.delete, read=times.read)
            )
        return message


def component_request(request: pb.ConstructRequest) -> _Request:
    """The component itself, with the options that the engine hands on from a parent to its children."""
    message = _Request(
        type=request.type,
        name=request.name,
        parent=request.parent,
        object=request.inputs,
        aliases=request.aliases,
        aliasSpecs=True,
        dependencies=request.dependencies,
        propertyDependencies={
            name: _Request.PropertyDependencies(urns=each.urns) for name, each in request.inputDependencies.items()
        },
        providers=request.providers,
        deletedWith=request.deletedWith,
        acceptSecrets=True,
        supportsPartialValues=True,
        supportsResultReporting=True,
        parentStackTraceHandle=request.stack_trace_handle,
    )
    if request.HasField("protect"):
        message.protect = request.protect
    if request.HasField("retainOnDelete"):
        message.retainOnDelete = request.retainOnDelete
    if request.HasField("resource_hooks"):
        for hook, names in request.resource_hooks.ListFields():
            getattr(message.hooks, hook.name).extend(names)
    return message


def _not_done(name: str, reason: str = "") -> ResourceError:
    return ResourceError(
        f"{name} was not made or changed{reason}. What there is by now is kept, and the next run goes on from there"
    )


def paths_of_child(texts: Iterable[str], child: Child, component: Component[Any, Any]) -> list[str]:
    """Return the property paths of a component that concern what a child has of its arguments, as the child's own."""
    arguments = field_specs(child.kind.arguments).keys()
    given = {name for name in arguments if not isinstance(child.args.get(name), ChildRef)}
    if not child.origin:
        given &= field_specs(component.arguments).keys()
    names, origin = sorted(map(to_camel, given)), tuple(_engine_step(step) for step in child.origin)
    found: list[Path] = []
    for path in parse_all(texts):
        if len(path) <= len(origin):
            found += [(name,) for name in names if contains(path, origin)]
        elif contains(path[: len(origin)], origin):
            head, *rest = path[len(origin) :]
            found += [(name, *rest) for name in names if head in (ANY, name)]
    return [format_path(path) for path in found]


def _engine_step(step: str | int) -> str | int:
    return to_camel(step) if isinstance(step, str) else step


def _fields(child: Child, reply: resource_pb2.RegisterResourceResponse) -> dict[str, Output]:
    """Every field of the child's state; null where a run that leaves the child out (`--target`) tells nothing."""
    state = child.kind.state
    urns = frozenset({reply.urn})
    found = read_outputs(state, reply.object, {})
    told = {name: merge_outputs(found.get(name)) for name in field_specs(state)}
    return {name: Output(output.value, output.secret, urns) for name, output in told.items()}
