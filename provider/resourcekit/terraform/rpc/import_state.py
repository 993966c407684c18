"""RPCs that take a state from elsewhere.

ImportResourceState, UpgradeResourceState, UpgradeResourceIdentity, MoveResourceState and GenerateResourceConfig.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from resourcekit.errors import ResourceError
from resourcekit.state import read_state, upgraded_state
from resourcekit.terraform.cty.encode import encode_json_state
from resourcekit.terraform.cty.msgpack import WireError, WireValue, pack
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.import_options import ImportOptions
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType, find_type, read_identity, write_identity
from resourcekit.terraform.schema import Attribute, Values
from resourcekit.terraform.session import TerraformSession

# Providers for any REST API. Their states store in `id` an object's path, or its id with the collection's path in
# `path`. Any other provider's state must contain the collection.
_GENERIC = ("restful_resource", "restapi_object")


class StateRpcs:
    """RPCs that import, upgrade and move states, and generate configuration from them."""

    def __init__(self, session: TerraformSession, kinds: dict[str, ResourceType]) -> None:
        self.session = session
        self.kinds = kinds

    @rpc_handler(pb.ImportResourceState.Response, "import")
    def ImportResourceState(self, request: pb.ImportResourceState.Request, report: Diagnostics) -> Any:
        """Return a state with the id and the options of the import."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        options = ImportOptions.read(kind, request.id) if request.id else ImportOptions(read_identity(request.identity))
        id_ = kind.resource.normalize_id(options.id)
        # The engine requests a read next, which fills the rest in.
        imported = pb.ImportResourceState.ImportedResource(
            type_name=request.type_name,
            state=kind.block.write({**kind.import_stub(id_), **options.provider_only}),
            private=PrivateState(omitted_on_import=options.omitted).to_bytes(),
            identity=write_identity(id_),
        )
        return pb.ImportResourceState.Response(imported_resources=[imported])

    @rpc_handler(pb.UpgradeResourceState.Response, "read the state of")
    def UpgradeResourceState(self, request: pb.UpgradeResourceState.Request, report: Diagnostics) -> Any:
        """Return a state file's state in today's form."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        upgraded = _upgraded(kind, request.version, request.raw_state)
        if isinstance(upgraded.get("id"), str):
            state = kind.state(upgraded)
            self.session.tainted.record(
                kind.type_name, str(upgraded["id"]), kind.lifecycle.deletion_blocked_reason(state), state
            )
        return pb.UpgradeResourceState.Response(upgraded_state=kind.block.write(upgraded))

    @rpc_handler(pb.UpgradeResourceIdentity.Response, "read the identity of")
    def UpgradeResourceIdentity(self, request: pb.UpgradeResourceIdentity.Request, report: Diagnostics) -> Any:
        """Return a state file's identity in today's form."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        id_ = _json_object(request.raw_identity).get("id")
        if not isinstance(id_, str):
            raise WireError("the identity must be an object with a string `id`")
        return pb.UpgradeResourceIdentity.Response(upgraded_identity=write_identity(id_))

    @rpc_handler(pb.MoveResourceState.Response, "move")
    def MoveResourceState(self, request: pb.MoveResourceState.Request, report: Diagnostics) -> Any:
        """Return the state for an object that another provider manages (a `moved` block)."""
        kind = find_type(self.kinds, request.target_type_name)
        report.set_subject(kind.type_name, kind.block.types)
        if request.source_type_name == request.target_type_name:
            # This provider under another address, such as another registry's: only the address changes.
            state = _upgraded(kind, request.source_schema_version, request.source_state)
            return pb.MoveResourceState.Response(
                target_state=kind.block.write(state),
                target_private=request.source_private,
                target_identity=write_identity(kind.id(state)),
            )
        id_ = kind.resource.normalize_id(_moved_id(kind, request))
        # The engine requests a read next, which fills the rest in.
        return pb.MoveResourceState.Response(
            target_state=kind.block.write(kind.import_stub(id_)),
            target_private=PrivateState().to_bytes(),
            target_identity=write_identity(id_),
        )

    @rpc_handler(pb.GenerateResourceConfig.Response, "generate the configuration of")
    def GenerateResourceConfig(self, request: pb.GenerateResourceConfig.Request, report: Diagnostics) -> Any:
        """Return a configuration for a state (`terraform plan -generate-config-out`)."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        state = kind.block.read(request.state) or {}
        ctx = self.session.planning_context(report, "") if state else None
        omitted = frozenset[str]()
        if ctx is not None:
            omitted = frozenset(kind.resource.default_values(read_state(kind.resource, kind.state(state)), ctx))
        config = {
            each.name: None if each.name in omitted else _config_value(kind, each, state.get(each.name))
            for each in kind.block.attributes
        }
        return pb.GenerateResourceConfig.Response(config=pb.DynamicValue(msgpack=pack(config)))


def _upgraded(kind: ResourceType, version: int, raw: pb.RawState) -> Values:
    """Return a state that any release of this provider wrote, in today's form.

    Args:
        kind: The resource type.
        version: The schema version of the state.
        raw: The state as the state file has it.

    Raises:
        ResourceError: A newer release wrote the state.
        WireError: The state cannot be read.
    """
    return _from_json(kind, upgraded_state(kind.resource, version, _json_object(raw)))


def _moved_id(kind: ResourceType, request: pb.MoveResourceState.Request) -> str:
    """Return the id of an object that another provider manages, from the URL in its state.

    Raises:
        ResourceError: The state has no id, or the object is of another collection.
    """
    source = f"{request.source_type_name} of {request.source_provider_address}"
    if not kind.resource.url_collection:
        raise ResourceError(f"cannot be made from {source}: its id is {kind.resource.import_id}; import it instead")
    state = _json_object(request.source_state)
    *parents, id_ = _segments(state.get("id"))
    collection = (parents or _segments(state.get("path")))[-1]
    if not id_:
        raise ResourceError(f"the state of {source} has no 'id'; import it instead")
    if not collection and request.source_type_name not in _GENERIC:
        raise ResourceError(
            f"cannot be made from {source}: its state has no URL path that ends in "
            f"'{kind.resource.url_collection}/<id>'; import it instead"
        )
    if collection not in ("", kind.resource.url_collection):
        raise ResourceError(f"{source} is one of {collection!r}, not of {kind.resource.url_collection!r}")
    return id_


def _segments(path: Any) -> list[str]:
    """Return the parts of a URL's path, without the query; one empty part if there is no path."""
    text = path if isinstance(path, str) else ""
    return text.partition("?")[0].rstrip("/").split("/")


def _json_object(state: pb.RawState) -> Mapping[str, Any]:
    if not state.json:
        raise WireError("the state is in a form that engines before 0.12 wrote: apply it once with an engine of 1.x")
    try:
        parsed = json.loads(state.json, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise WireError("the state is not JSON") from None
    if not isinstance(parsed, Mapping):
        raise WireError("the state is not an object")
    return parsed


def _from_json(kind: ResourceType, state: Mapping[str, Any]) -> Values:
    values: Values = {}
    for name, type_ in kind.block.types.items():
        try:
            values[name] = encode_json_state(type_, state.get(name))
        except WireError as error:
            raise WireError(error.reason, (name, *error.path)) from None
    return values


def _config_value(kind: ResourceType, attribute: Attribute, value: WireValue) -> WireValue:
    """Return the value of an attribute for a configuration; None if it cannot set the attribute, or need not."""
    configurable = (attribute.required or attribute.optional) and not attribute.write_only
    return value if configurable and not kind.is_null_equivalent(attribute.name, value) else None
