"""Terraform schemas of declarations: their attributes, and how the values of a block are decoded and encoded."""

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


class _ReadValues(Values):
    """The wire values of an object that the engine sent, and the same attributes decoded, as `read` had to do anyway.

    Both are for reading only.
    """

    def __init__(self, values: Mapping[str, WireValue], decoded: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.decoded = decoded


@dataclass(frozen=True)
class Attribute:
    """One attribute, with its texts as declared.

    Attributes:
        nested: The attributes of a nested attribute's parts.
        nesting: How they are nested: `single`, `list` or `map`; empty if there are none.
    """

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
        """Return the wire values of an object; None for null.

        Raises:
            WireError: The object has not exactly the attributes of this schema, or one is of another type.
        """
        if not value.msgpack:
            raise WireError("the engine sent no value" if not value.json else "the engine sent JSON, not msgpack")
        unpacked = unpack(value.msgpack)
        if unpacked is None:
            return None
        return _ReadValues(unpacked, decode_object(self.types, unpacked))

    def to_plain(self, values: Mapping[str, WireValue], name: str) -> Any:
        """Return one attribute as a plain value that JSON can represent."""
        value = values.get(name)
        if value is None:
            return None
        return to_floats(values.decoded[name] if isinstance(values, _ReadValues) else decode(self.types[name], value))

    def write(self, values: Mapping[str, WireValue] | None) -> pb.DynamicValue:
        """Return an object with these values, or null for None.

        Every attribute is written: the engine rejects an object without one, and with it the whole state.
        """
        if values is None:
            return pb.DynamicValue(msgpack=pack(None))
        return pb.DynamicValue(msgpack=pack({name: values.get(name) for name in self.types}))


def write_only_name(name: str) -> str:
    """Return the name of an argument's write-only variant."""
    return f"{name}_wo"


def write_only_version_name(name: str) -> str:
    """Return the name of the number whose change means that the write-only value changed."""
    return f"{name}_wo_version"


def resource_block(resource: Resource[Any, Any, Any]) -> Schema:
    """Return a resource's schema: its arguments and state, `id`, `timeouts`, and write-only variants."""
    model: type[BaseModel] = resource.arguments
    arguments, types = field_specs(model), field_types(model)
    attributes = [
        Attribute("id", STRING, f"Id in this engine's state and for import: {resource.import_id}.", computed=True)
    ]
    for name, facts in field_specs(resource.state).items():
        argument = arguments.get(name)
        attribute = _attribute(resource.state, facts, argument)
        if argument is not None and null_equivalent(argument, types[name]) is not None:
            # The value that an import stores stays when the configuration omits the argument.
            attribute = replace(attribute, computed=True)
        attributes.append(attribute)
        if argument is not None and argument.write_only_variant:
            attributes.extend(_write_only_attributes(attributes[-1]))
    attributes.append(_timeouts())
    return Schema(tuple(attributes), _doc(resource), resource.schema_version)


def null_equivalent(facts: FieldSpec, type_: FieldType) -> Any:
    """Return the value that means the same as omitting an argument; None if there is none."""
    if facts.required or facts.computed or facts.create_only:
        return None
    if facts.default is not None:
        return facts.default
    return [] if isinstance(type_, ListType) else {} if isinstance(type_, MapType) else None


def function_block(function: DataSource[Any, Any, Any]) -> Schema:
    """Return the schema of a data source or ephemeral resource: its arguments and its result."""
    arguments, results = field_specs(function.arguments), field_specs(function.result)
    attributes = [_attribute(function.arguments, facts, facts, results.get(name)) for name, facts in arguments.items()]
    attributes += [_attribute(function.result, facts, None) for name, facts in results.items() if name not in arguments]
    return Schema(tuple(attributes), _doc(function))


def arguments_block(model: type[BaseModel], description: str, optional: Iterable[str] = ()) -> Schema:
    """Return the schema of the provider's settings or of an action.

    Args:
        model: The declared arguments.
        description: The schema's description.
        optional: Required arguments that may also come from elsewhere, such as the environment.
    """
    attributes = [_attribute(model, facts, facts) for facts in field_specs(model).values()]
    relaxed = set(optional)
    return Schema(tuple(_optional(each) if each.name in relaxed else each for each in attributes), description)


def _doc(declared: object) -> str:
    return inspect.getdoc(type(declared)) or ""


def _optional(attribute: Attribute) -> Attribute:
    return replace(attribute, required=False, optional=True)


def _attribute(
    model: type[BaseModel], facts: FieldSpec, argument: FieldSpec | None, result: FieldSpec | None = None
) -> Attribute:
    """Return the attribute of a field.

    Args:
        model: The declaration of the field.
        facts: The field.
        argument: The argument of this name; None if the field is only reported.
        result: The reported field of this name; None if there is none.
    """
    type_ = field_types(model)[facts.name]
    nested, nesting = _nested(type_, argument=argument is not None)
    return Attribute(
        name=facts.name,
        # Ids are strings in this engine, which converts numbers to strings.
        type=STRING if facts.numeric_id else cty_type(type_),
        description=facts.description,
        required=argument is not None and argument.required,
        optional=argument is not None and not argument.required,
        computed=argument is None or (not argument.required and (argument.computed or result is not None)),
        sensitive=facts.secret,
        deprecated=facts.deprecated,
        nested=nested,
        nesting=nesting,
    )


def _nested(type_: FieldType, *, argument: bool) -> tuple[tuple[Attribute, ...], str]:
    match type_:
        case ObjectType(model):
            return _parts(model, argument=argument, inside=False), "single"
        case ListType(ObjectType(model)):
            return _parts(model, argument=argument, inside=True), "list"
        case MapType(ObjectType(model)):
            return _parts(model, argument=argument, inside=True), "map"
    return (), ""


def _parts(model: type[BaseModel], *, argument: bool, inside: bool) -> tuple[Attribute, ...]:
    parts = [_attribute(model, facts, facts if argument else None) for facts in field_specs(model).values()]
    types = field_types(model)
    return tuple(replace(part, type=cty_type(types[part.name], inside=inside)) for part in parts)


def _write_only_attributes(argument: Attribute) -> tuple[Attribute, Attribute]:
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
