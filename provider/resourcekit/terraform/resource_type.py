"""Resource types: a declaration's schema and lifecycle, and the conversion of wire values into arguments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from resourcekit.errors import CheckFailure
from resourcekit.field_types import field_types
from resourcekit.fields import FieldSpec, field_specs
from resourcekit.lifecycle import Lifecycle
from resourcekit.redaction import iter_strings
from resourcekit.resource import Resource
from resourcekit.terraform import timeouts
from resourcekit.terraform.cty.msgpack import WireError, WireValue, pack, unpack, wire_contains_unknown
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.schema import (
    Schema,
    Values,
    null_equivalent,
    resource_block,
    write_only_name,
    write_only_version_name,
)


class ResourceType:
    """A resource type: its name, schema and lifecycle."""

    def __init__(self, type_name: str, lifecycle: Lifecycle) -> None:
        self.type_name = type_name
        self.lifecycle = lifecycle
        self.block: Schema = resource_block(lifecycle.resource)

    @property
    def resource(self) -> Resource[Any, Any, Any]:
        """The declaration."""
        return self.lifecycle.resource

    @cached_property
    def arguments(self) -> Mapping[str, FieldSpec]:
        """The arguments' field specs, by name."""
        return field_specs(self.resource.arguments)

    @cached_property
    def provider_only(self) -> frozenset[str]:
        """The arguments that the API never sees."""
        return frozenset(name for name, facts in self.arguments.items() if facts.provider_only)

    @cached_property
    def write_only_variants(self) -> frozenset[str]:
        """The arguments that have a write-only variant."""
        return frozenset(name for name, facts in self.arguments.items() if facts.write_only_variant)

    @cached_property
    def omittable_on_import(self) -> frozenset[str]:
        """The arguments that the API reports and that an import can leave out of the state."""
        return frozenset(name for name in self.write_only_variants if not self.arguments[name].create_only)

    @cached_property
    def engine_attributes(self) -> frozenset[str]:
        """The attributes that are Terraform's own, not the declaration's."""
        return frozenset({timeouts.NAME, *map(write_only_version_name, self.write_only_variants)})

    @cached_property
    def null_equivalents(self) -> Mapping[str, Any]:
        """The values that mean the same as omitting the argument, by argument."""
        model: type[BaseModel] = self.resource.arguments
        types = field_types(model)
        values = {name: null_equivalent(facts, types[name]) for name, facts in self.arguments.items()}
        return {name: value for name, value in values.items() if value is not None}

    def is_null_equivalent(self, name: str, value: WireValue) -> bool:
        """Return whether an argument's value means the same as omitting it."""
        if name not in self.null_equivalents or wire_contains_unknown(value):
            return False
        return value is None or self.arguments[name].semantically_equal(
            self.block.to_plain({name: value}, name), self.null_equivalents[name]
        )

    def config_arguments(self, config: Values) -> dict[str, Any]:
        """Return the plain arguments of a configuration. A write-only value stands for its argument."""
        arguments = {}
        for name in self.arguments:
            value = self.block.to_plain(config, name)
            if value is None and name in self.write_only_variants:
                value = self.block.to_plain(config, write_only_name(name))
            if value is not None:
                arguments[name] = value
        return arguments

    def write_only_arguments(self, config: Values) -> frozenset[str]:
        """Return the arguments that the configuration sets through their write-only variants."""
        return frozenset(
            name
            for name in self.write_only_variants
            if config.get(name) is None and config.get(write_only_name(name)) is not None
        )

    def secrets(self, values: Values | None) -> list[str]:
        """Return every string in the sensitive values of a configuration or a state."""
        names = [attribute.name for attribute in self.block.attributes if attribute.sensitive]
        return [text for name in names for text in iter_strings(self.block.to_plain(values or {}, name))]

    def conflicts(self, config: Values) -> list[CheckFailure]:
        """Return a failure for each argument that is set together with its write-only variant."""
        return [
            CheckFailure(name, f"set either `{name}` or `{write_only_name(name)}`, not both")
            for name in sorted(self.write_only_variants)
            if config.get(name) is not None and config.get(write_only_name(name)) is not None
        ]

    def state(self, values: Values) -> dict[str, Any]:
        """Return the declared state, plain."""
        return {name: self.block.to_plain(values, name) for name in field_specs(self.resource.state)}

    def arguments_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a declared state that have a value."""
        return {name: state[name] for name in self.arguments if state.get(name) is not None}

    def id(self, values: Values) -> str:
        """Return the object's id.

        Raises:
            WireError: The state has none.
        """
        id_ = values.get("id")
        if isinstance(id_, str) and id_:
            return id_
        raise WireError("is missing from the state", ("id",))

    def timeout_seconds(self, values: Values | None, operation: str) -> float:
        """Return the seconds that `timeouts` allows for an operation."""
        configured = self.block.to_plain(values, timeouts.NAME) if values is not None else None
        return timeouts.timeout_seconds(configured, operation, self.resource.timeouts)

    def key_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that the API receives and that are not empty: it treats unset and empty alike."""
        return {
            name: value
            for name, value in arguments.items()
            if not (self.arguments[name].provider_only or value in (None, [], {}))
        }

    def import_stub(self, id_: WireValue) -> Values:
        """Return a state with the id and no other value."""
        return {**dict.fromkeys(self.block.types), "id": id_}


def find_type(kinds: Mapping[str, ResourceType], type_name: str) -> ResourceType:
    """Return the resource type of this name.

    Raises:
        WireError: The provider has no such resource.
    """
    kind = kinds.get(type_name)
    if kind is None:
        raise WireError(f"this provider has no resource {type_name!r}; it has {', '.join(kinds)}")
    return kind


def write_identity(id_: str) -> pb.ResourceIdentityData:
    """Return the identity of the object with this id."""
    return pb.ResourceIdentityData(identity_data=pb.DynamicValue(msgpack=pack({"id": id_})))


def known_identity(state: pb.DynamicValue, sent: pb.ResourceIdentityData) -> pb.ResourceIdentityData | None:
    """Return the identity of the object in a state; if the state has no id, the one that the engine sent, if any."""
    try:
        values = unpack(state.msgpack)
    except WireError:
        values = None
    return identity_of(values if isinstance(values, Mapping) else None, sent)


def identity_of(
    values: Mapping[str, WireValue] | None, sent: pb.ResourceIdentityData
) -> pb.ResourceIdentityData | None:
    """Return the identity of a decoded state; if it has no id, the one that the engine sent, if any."""
    id_ = (values or {}).get("id")
    if isinstance(id_, str):
        return write_identity(id_)
    return sent if sent.identity_data.msgpack else None


def read_identity(identity: pb.ResourceIdentityData) -> str:
    """Return the id in an identity.

    Raises:
        WireError: The identity has another form.
    """
    values = unpack(identity.identity_data.msgpack)
    if isinstance(values, Mapping) and isinstance(values.get("id"), str):
        return str(values["id"])
    raise WireError("the identity must be an object with a string `id`")
