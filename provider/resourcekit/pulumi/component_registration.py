"""Construct a component: register its children at the engine one after the other, and return its outputs."""

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
class _RegisteredChild:
    """A child that the engine has registered, with its outputs by declared names."""

    urn: str
    fields: dict[str, Output]


def construct(
    package: str,
    component: Component[Any, Any],
    request: pb.ConstructRequest,
    provider: str,
    warn: Callable[[str, str], None],
    failed: FailedResources,
) -> pb.ConstructResponse:
    """Validate the inputs, register the component and its children, and return the component's outputs.

    Args:
        package: The package's name.
        component: The declaration.
        request: The engine's request.
        provider: The reference of this provider, which creates the children unless the program names another one.
        warn: Print a warning in the row of a URN.
        failed: The resources whose call failed in this process.

    Raises:
        InvalidInputsError: The inputs break rules. Nothing has been registered.
        ResourceError: A child could not be created or updated.
    """
    dependencies = {name: frozenset(each.urns) for name, each in request.inputDependencies.items()}
    args = read_outputs(component.arguments, request.inputs, dependencies)
    checked = validate_declaration(component, {name: merge_outputs(value).value for name, value in args.items()})
    if checked.failures:
        raise InvalidInputsError(component.arguments, checked.failures, decode(request.inputs).secrets)
    with grpc.insecure_channel(request.monitorEndpoint, options=MESSAGE_SIZES) as channel:
        monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
        return _Construction(package, component, request, provider, monitor, failed).run(args, warn)


class _Construction:
    def __init__(
        self,
        package: str,
        component: Component[Any, Any],
        request: pb.ConstructRequest,
        provider: str,
        monitor: resource_pb2_grpc.ResourceMonitorStub,
        failed: FailedResources,
    ) -> None:
        self._package = package
        self._component = component
        self._request = request
        self._provider = request.providers.get(package) or provider
        self._monitor = monitor
        self._failed = failed
        self._children: dict[str, _RegisteredChild] = {}

    def run(self, args: Mapping[str, Any], warn: Callable[[str, str], None]) -> pb.ConstructResponse:
        urn = self._register(component_request(self._request)).urn
        secret = frozenset(self._request.additionalSecretOutputs)
        for warning in self._component.preview_warnings(args):
            warn(urn, camelize_code_spans(warning))
        for child in self._component.children(args):
            request = self._child_request(urn, child)
            response = self._register(request)
            self._children[child.name] = _RegisteredChild(response.urn, _fields(child, response))
        outputs = {
            # The engine does not apply this option of a component itself.
            name: replace(merge_outputs(value), secret=True) if to_camel(name) in secret else value
            for name, value in self._component.outputs(self._fields_by_child).items()
        }
        state = write_outputs(self._component.result, outputs)
        registration = resource_pb2.RegisterResourceOutputsRequest(urn=urn, outputs=state)
        self._call(self._monitor.RegisterResourceOutputs, registration, self._request.name)
        return pb.ConstructResponse(
            urn=urn,
            state=state,
            stateDependencies={
                to_camel(name): pb.ConstructResponse.PropertyDependencies(urns=sorted(merge_outputs(value).sources))
                for name, value in outputs.items()
            },
        )

    @property
    def _fields_by_child(self) -> dict[str, dict[str, Output]]:
        return {name: child.fields for name, child in self._children.items()}

    def _register(self, request: _Request) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse = self._call(
            self._monitor.RegisterResource, request, request.name
        )
        if response.result == resource_pb2.FAIL:
            raise _registration_error(request.name)
        return response

    def _call(self, method: Any, request: Any, name: str) -> Any:
        wake_up = threading.Event()
        with self._failed.waking(wake_up.set):
            future = method.future(request)
            future.add_done_callback(lambda _: wake_up.set())
            while not future.done():
                if self._failed.concerns(getattr(request, "parent", ""), getattr(request, "type", ""), name):
                    raise _registration_error(name)
                wake_up.wait()
                wake_up.clear()
        try:
            return future.result()
        except grpc.RpcError as error:
            # The engine's message about its own stop does not help the user.
            stopped = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            raise _registration_error(name, "" if stopped else f": {error.details()}") from None

    def _depends_on(self) -> set[str]:
        """Return the URNs in the component's `dependsOn`. The children depend on them too.

        So the engine deletes the children before the resources that the component depends on.
        """
        by_property = (each.urns for each in self._request.inputDependencies.values())
        return set(self._request.dependencies).difference(*by_property)

    def _child_request(self, parent: str, child: Child) -> _Request:
        arguments = child.kind.arguments
        args = to_property_names(arguments, resolve_refs(child.args, self._fields_by_child))
        sources = {name: merge_outputs(value).sources for name, value in args.items()}
        before = {*self._depends_on(), *(self._children[name].urn for name in child.after)}
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
        _add_replacements(message, self._request)
        if self._request.HasField("customTimeouts"):
            times = self._request.customTimeouts
            message.customTimeouts.CopyFrom(
                _Request.CustomTimeouts(create=times.create, update=times.update, delete=times.delete, read=times.read)
            )
        return message


def component_request(request: pb.ConstructRequest) -> _Request:
    """Return the registration of the component itself, with the options that its children inherit from the engine."""
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
    _add_replacements(message, request)
    if request.HasField("protect"):
        message.protect = request.protect
    if request.HasField("retainOnDelete"):
        message.retainOnDelete = request.retainOnDelete
    if request.HasField("resource_hooks"):
        for hook, names in request.resource_hooks.ListFields():
            getattr(message.hooks, hook.name).extend(names)
    return message


def _add_replacements(message: _Request, request: pb.ConstructRequest) -> None:
    """Add what replaces a component to a registration. The engine replaces no child for its parent's options."""
    message.replace_with.extend(request.replace_with)
    if request.HasField("replacement_trigger"):
        message.replacement_trigger.CopyFrom(request.replacement_trigger)


def _registration_error(name: str, reason: str = "") -> ResourceError:
    return ResourceError(
        f"{name} was not created or updated{reason}. The state contains all that was created so far, and the next run "
        "continues from there"
    )


def paths_of_child(texts: Iterable[str], child: Child, component: Component[Any, Any]) -> list[str]:
    """Return the property paths of a component that apply to one child, as paths of that child.

    Args:
        texts: The paths, such as those of `ignoreChanges`.
        child: The child. A path applies if it names an argument of the component that is passed on to the child.
        component: The declaration.
    """
    arguments = field_specs(child.kind.arguments).keys()
    passed_on = {name for name in arguments if not isinstance(child.args.get(name), ChildRef)}
    if not child.origin:
        passed_on &= field_specs(component.arguments).keys()
    names, origin = sorted(map(to_camel, passed_on)), tuple(_engine_step(step) for step in child.origin)
    paths: list[Path] = []
    for path in parse_all(texts):
        if len(path) <= len(origin):
            paths += [(name,) for name in names if contains(path, origin)]
        elif contains(path[: len(origin)], origin):
            head, *rest = path[len(origin) :]
            paths += [(name, *rest) for name in names if head in (ANY, name)]
    return [format_path(path) for path in paths]


def _engine_step(step: str | int) -> str | int:
    return to_camel(step) if isinstance(step, str) else step


def _fields(child: Child, response: resource_pb2.RegisterResourceResponse) -> dict[str, Output]:
    """Return every field of the child's state. A field is null if `--target` left the child out of the run."""
    state = child.kind.state
    urns = frozenset({response.urn})
    values = read_outputs(state, response.object, {})
    outputs = {name: merge_outputs(values.get(name)) for name in field_specs(state)}
    return {name: Output(output.value, output.secret, urns) for name, output in outputs.items()}
