"""One resource as Terraform sees it: its block beside its lifecycle, and the way from wire values to arguments."""

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
    """A resource type."""

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
        """The arguments' facts."""
        return field_specs(self.resource.arguments)

    @cached_property
    def provider_only(self) -> frozenset[str]:
        """The arguments that the API never sees."""
        return frozenset(name for name, facts in self.arguments.items() if facts.provider_only)

    @cached_property
    def write_only_variants(self) -> frozenset[str]:
        """The arguments that have a write-only twin."""
        return frozenset(name for name, facts in self.arguments.items() if facts.write_only_variant)

    @cached_property
    def omittable_on_import(self) -> frozenset[str]:
        """The arguments that the API reports and a program may want in no state."""
        return frozenset(name for name in self.write_only_variants if not self.arguments[name].create_only)

    @cached_property
    def engine_attributes(self) -> frozenset[str]:
        """The attributes that are Terraform's own: none of the declaration."""
        return frozenset({timeouts.NAME, *map(write_only_version_name, self.write_only_variants)})

    @cached_property
    def null_equivalents(self) -> Mapping[str, Any]:
        """What leaving out an argument means, of those where a program may spell it."""
        model: type[BaseModel] = self.resource.arguments
        shapes = field_types(model)
        found = {name: null_equivalent(facts, shapes[name]) for name, facts in self.arguments.items()}
        return {name: value for name, value in found.items() if value is not None}

    def is_null_equivalent(self, name: str, value: WireValue) -> bool:
        """Whether an argument's value means the same as leaving it out."""
        if name not in self.null_equivalents or wire_contains_unknown(value):
            return False
        return value is None or self.arguments[name].semantically_equal(
            self.block.to_plain({name: value}, name), self.null_equivalents[name]
        )

    def config_arguments(self, config: Values) -> dict[str, Any]:
        """The arguments as the program gives them, plain; a write-only value stands for its argument."""
        found = {}
        for name in self.arguments:
            value = self.block.to_plain(config, name)
            if value is None and name in self.write_only_variants:
                value = self.block.to_plain(config, write_only_name(name))
            if value is not None:
                found[name] = value
        return found

    def write_only_arguments(self, config: Values) -> frozenset[str]:
        """The arguments that the program gives through their twins."""
        return frozenset(
            name
            for name in self.write_only_variants
            if config.get(name) is None and config.get(write_only_name(name)) is not None
        )

    def secrets(self, values: Values | None) -> list[str]:
        """Every text inside the write-only values of a program, or inside the sensitive ones of a state."""
        names = [attribute.name for attribute in self.block.attributes if attribute.sensitive]
        return [text for name in names for text in iter_strings(self.block.to_plain(values or {}, name))]

    def conflicts(self, config: Values) -> list[CheckFailure]:
        """Arguments given in both ways."""
        return [
            CheckFailure(name, f"set either `{name}` or `{write_only_name(name)}`, not both")
            for name in sorted(self.write_only_variants)
            if config.get(name) is not None and config.get(write_only_name(name)) is not None
        ]

    def state(self, values: Values) -> dict[str, Any]:
        """The declared state, plain."""
        return {name: self.block.to_plain(values, name) for name in field_specs(self.resource.state)}

    def arguments_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that a declared state holds, those without a value left out."""
        return {name: state[name] for name in self.arguments if state.get(name) is not None}

    def id(self, values: Values) -> str:
        """The object's id. Raises WireError for a state without one."""
        found = values.get("id")
        if isinstance(found, str) and found:
            return found
        raise WireError("is missing from the state", ("id",))

    def timeout_seconds(self, values: Values | None, operation: str) -> float:
        """What `timeouts` allows for an operation."""
        given = self.block.to_plain(values, timeouts.NAME) if values is not None else None
        return timeouts.timeout_seconds(given, operation, self.resource.timeouts)

    def key_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Of the arguments, those by which the API tells objects apart: unset and empty are the same to it."""
        return {
            name: value
            for name, value in arguments.items()
            if not (self.arguments[name].provider_only or value in (None, [], {}))
        }

    def import_stub(self, id_: WireValue) -> Values:
        """A state that says nothing but the id."""
        return {**dict.fromkeys(self.block.types), "id": id_}


def find_type(kinds: Mapping[str, ResourceType], type_name: str) -> ResourceType:
    """Return the resource type of this name.

    Raises:
        WireError: The provider has no such resource.
    """
    found = kinds.get(type_name)
    if found is None:
        raise WireError(f"this provider has no resource {type_name!r}; it has {', '.join(kinds)}")
    return found


def write_identity(id_: str) -> pb.ResourceIdentityData:
    """The identity of the object with this id."""
    return pb.ResourceIdentityData(identity_data=pb.DynamicValue(msgpack=pack({"id": id_})))


def known_identity(state: pb.DynamicValue, given: pb.ResourceIdentityData) -> pb.ResourceIdentityData | None:
    """Return the identity of the object in `state`; where that has no id, the one that the engine sent, if it did."""
    try:
        found = unpack(state.msgpack)
    except WireError:
        found = None
    return identity_of(found if isinstance(found, Mapping) else None, given)


def identity_of(
    values: Mapping[str, WireValue] | None, given: pb.ResourceIdentityData
) -> pb.ResourceIdentityData | None:
    """Return the identity of a decoded state; where that has no id, the one that the engine sent, if it did."""
    id_ = (values or {}).get("id")
    if isinstance(id_, str):
        return write_identity(id_)
    return given if given.identity_data.msgpack else None


def read_identity(identity: pb.ResourceIdentityData) -> str:
    """The id in an identity. Raises WireError for any other form."""
    found = unpack(identity.identity_data.msgpack)
    if isinstance(found, Mapping) and isinstance(found.get("id"), str):
        return str(found["id"])
    raise WireError("the identity must be an object with a string `id`")
