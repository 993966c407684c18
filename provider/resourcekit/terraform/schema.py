"""A declaration as Terraform's attributes: what a block may hold, and how its values are read and written."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from resourcekit.field_types import FieldType, ListType, MapType, ObjectType, field_types
from resourcekit.fields import FieldSpec, field_specs
from resourcekit.resource import DataSource, Resource
from resourcekit.terraform import timeouts
from resourcekit.terraform.cty.decode import decode, decode_object, to_floats
from resourcekit.terraform.cty.msgpack import WireError, WireValue, pack, unpack
from resourcekit.terraform.cty.types import NUMBER, STRING, CtyObject, CtyType, cty_type
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

Values = dict[str, WireValue]


@dataclass(frozen=True)
class Attribute:
    """One attribute, its texts as they are declared. nested, nesting: of one whose parts are attributes themselves."""

    name: str
    type: CtyType
    description: str = ""
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    write_only: bool = False
    deprecated: str | None = None
    nested: tuple[Attribute, ...] = ()
    nesting: str = ""


@dataclass(frozen=True)
class Schema:
    """The attributes of a resource, a data source or the provider itself."""

    attributes: tuple[Attribute, ...]
    description: str = ""
    version: int = 0

    @cached_property
    def types(self) -> dict[str, CtyType]:
        """The type of each attribute."""
        return {attribute.name: attribute.type for attribute in self.attributes}

    def read(self, value: pb.DynamicValue) -> Values | None:
        """The wire values of an object; None for null. Raises WireError unless it is exactly of this block's type."""
        if not value.msgpack:
            raise WireError("the engine sent no value" if not value.json else "the engine sent JSON, not msgpack")
        found = unpack(value.msgpack)
        if found is None:
            return None
        decode_object(self.types, found)
        values: Values = found
        return values

    def to_plain(self, values: Mapping[str, WireValue], name: str) -> Any:
        """One attribute as a plain value that JSON can hold."""
        value = values.get(name)
        return None if value is None else to_floats(decode(self.types[name], value))

    def write(self, values: Mapping[str, WireValue] | None) -> pb.DynamicValue:
        """The reply that holds these values. Every attribute is written: one left out would lose the whole state."""
        if values is None:
            return pb.DynamicValue(msgpack=pack(None))
        return pb.DynamicValue(msgpack=pack({name: values.get(name) for name in self.types}))


def write_only_name(name: str) -> str:
    """The write-only attribute beside an argument that may hold secrets."""
    return f"{name}_wo"


def write_only_version_name(name: str) -> str:
    """The number whose change says that the write-only value changed."""
    return f"{name}_wo_version"


def resource_block(resource: Resource[Any, Any, Any]) -> Schema:
    """A resource's attributes: its arguments and state, `id`, `timeouts`, and write-only twins."""
    model: type[BaseModel] = resource.arguments
    arguments, shapes = field_specs(model), field_types(model)
    attributes = [
        Attribute("id", STRING, f"Id in this engine's state and for import: {resource.import_id}.", computed=True)
    ]
    for name, facts in field_specs(resource.state).items():
        given = arguments.get(name)
        attribute = _attribute(resource.state, facts, given)
        if given is not None and null_equivalent(given, shapes[name]) is not None:
            # What an import spells out stays when the program leaves it out.
            attribute = replace(attribute, computed=True)
        attributes.append(attribute)
        if given is not None and given.write_only_variant:
            attributes.extend(_twins(attributes[-1]))
    attributes.append(_timeouts())
    return Schema(tuple(attributes), _doc(resource), resource.schema_version)


def null_equivalent(facts: FieldSpec, shape: FieldType) -> Any:
    """What leaving out this argument means, as a program may spell it; None where it cannot be spelled."""
    if facts.required or facts.computed or facts.create_only:
        return None
    if facts.default is not None:
        return facts.default
    return [] if isinstance(shape, ListType) else {} if isinstance(shape, MapType) else None


def function_block(function: DataSource[Any, Any, Any]) -> Schema:
    """A data source's or ephemeral resource's attributes: its arguments and its result."""
    given, found = field_specs(function.arguments), field_specs(function.result)
    attributes = [_attribute(function.arguments, facts, facts, found.get(name)) for name, facts in given.items()]
    attributes += [_attribute(function.result, facts, None) for name, facts in found.items() if name not in given]
    return Schema(tuple(attributes), _doc(function))


def arguments_block(model: type[BaseModel], description: str, optional: Iterable[str] = ()) -> Schema:
    """The attributes of settings or of an action. optional: those that may come from elsewhere."""
    attributes = [_attribute(model, facts, facts) for facts in field_specs(model).values()]
    relaxed = set(optional)
    return Schema(tuple(_optional(each) if each.name in relaxed else each for each in attributes), description)


def _doc(declared: object) -> str:
    return inspect.getdoc(type(declared)) or ""


def _optional(attribute: Attribute) -> Attribute:
    return replace(attribute, required=False, optional=True)


def _attribute(
    model: type[BaseModel], facts: FieldSpec, given: FieldSpec | None, result: FieldSpec | None = None
) -> Attribute:
    """given: the facts as an argument, None for what is only reported. result: those of a reported one of this name."""
    shape = field_types(model)[facts.name]
    nested, nesting = _nested(shape, argument=given is not None)
    return Attribute(
        name=facts.name,
        # Ids are strings in this engine; numbers become strings by themselves.
        type=STRING if facts.numeric_id else cty_type(shape),
        description=facts.description,
        required=given is not None and given.required,
        optional=given is not None and not given.required,
        computed=given is None or (not given.required and (given.computed or result is not None)),
        sensitive=facts.secret,
        deprecated=facts.deprecated,
        nested=nested,
        nesting=nesting,
    )


def _nested(shape: FieldType, *, argument: bool) -> tuple[tuple[Attribute, ...], str]:
    match shape:
        case ObjectType(model):
            return _parts(model, argument=argument, inside=False), "single"
        case ListType(ObjectType(model)):
            return _parts(model, argument=argument, inside=True), "list"
        case MapType(ObjectType(model)):
            return _parts(model, argument=argument, inside=True), "map"
    return (), ""


def _parts(model: type[BaseModel], *, argument: bool, inside: bool) -> tuple[Attribute, ...]:
    parts = [_attribute(model, facts, facts if argument else None) for facts in field_specs(model).values()]
    shapes = field_types(model)
    return tuple(replace(part, type=cty_type(shapes[part.name], inside=inside)) for part in parts)


def _twins(argument: Attribute) -> tuple[Attribute, Attribute]:
    value = Attribute(
        write_only_name(argument.name),
        argument.type,
        f"As `{argument.name}`, but write-only: it is in no plan and in no state. Needs an engine of 1.11 or later.",
        optional=True,
        sensitive=True,
        write_only=True,
    )
    version = Attribute(
        write_only_version_name(argument.name),
        NUMBER,
        f"Change it when the value of `{value.name}` changes: the engine cannot see that by itself. A first one, "
        "beside a value that is there already, changes nothing.",
        optional=True,
    )
    return value, version


def _timeouts() -> Attribute:
    parts = tuple(
        Attribute(operation, STRING, f"For {operation}, such as `20m` or `1h30m`.", optional=True)
        for operation in timeouts.OPERATIONS
    )
    return Attribute(
        timeouts.NAME,
        CtyObject(dict.fromkeys(timeouts.OPERATIONS, STRING)),
        "How long operations may take before they end with an error.",
        optional=True,
        nested=parts,
        nesting="single",
    )
