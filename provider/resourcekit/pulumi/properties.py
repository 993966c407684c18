"""Convert a model's values to and from property structs, with their names and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.message import Message
from pydantic import BaseModel

from resourcekit.component import Output, merge_outputs
from resourcekit.field_types import AnyType, FieldType, ListType, ObjectType, field_types
from resourcekit.fields import field_specs
from resourcekit.pulumi.casing import from_camel, to_camel, to_declared_names, to_property_names
from resourcekit.pulumi.property_value import SIGNATURE, decode, decode_outputs, encode, iter_secret_strings
from resourcekit.pulumi.stack_export import ACCOUNT, SCHEMA_VERSION
from resourcekit.redaction import Redactor
from resourcekit.resource import Resource
from resourcekit.state import upgraded_state

# Entries that the engine adds for its own use, and this provider's marks, named so that engines do not show them.
_ENGINE_KEYS = frozenset({"__internal", "__defaults", "__pulumi-go-provider-infer", ACCOUNT, SCHEMA_VERSION})


@dataclass(frozen=True)
class Inputs:
    """Values by declared names; `secrets` are the *property* names of those that are marked secret."""

    values: dict[str, Any]
    secrets: frozenset[str]


def read_inputs(model: type[BaseModel], struct: struct_pb2.Struct) -> Inputs:
    """Decode a struct and rename its properties to declared names.

    Raises:
        ResourceError: A value is an asset, an archive or of an unknown kind.
    """
    decoded = decode(struct)
    values = {name: value for name, value in decoded.values.items() if name not in _ENGINE_KEYS}
    return Inputs(to_declared_names(model, values), decoded.secrets)


def read_state(resource: Resource[Any, Any, Any], struct: struct_pb2.Struct) -> Inputs:
    """Decode a state that any release of this provider wrote; an empty struct is none.

    Raises:
        ResourceError: A newer release wrote the state, or it cannot be decoded.
    """
    state = read_inputs(resource.state, struct)
    version = int(struct.fields[SCHEMA_VERSION].number_value) if SCHEMA_VERSION in struct.fields else 0
    return replace(state, values=_upgraded(resource, version, state.values)) if struct.fields else state


def _upgraded(resource: Resource[Any, Any, Any], version: int, values: Mapping[str, Any]) -> dict[str, Any]:
    declared = field_specs(resource.state)
    # A field of another schema version.
    named = {name if name in declared else from_camel(name): value for name, value in values.items()}
    return upgraded_state(resource, version, named)


def read_outputs(
    model: type[BaseModel], struct: struct_pb2.Struct, sources: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """Decode a struct, with an `Output` wherever the model declares no further structure.

    Args:
        model: The model of the values.
        struct: The properties.
        sources: The sources of each property, by property name, for values without their own.
    """
    decoded = {name: value for name, value in decode_outputs(struct).items() if name not in _ENGINE_KEYS}
    outputs = {
        name: value if merge_outputs(value).sources else Output(value, sources=sources.get(name, frozenset()))
        for name, value in decoded.items()
    }
    shapes = field_types(model)
    return {
        name: _push_down(shapes.get(name, AnyType()), value, Output(None))
        for name, value in to_declared_names(model, outputs).items()
    }


def _push_down(shape: FieldType, value: Any, outer: Output) -> Any:
    """Move secrecy and sources of a list or an object of declared type to its items or fields."""
    if isinstance(value, Output):
        merged = Output(None, outer.secret or value.secret, outer.sources | value.sources)
        return _push_down(shape, value.value, merged)
    if value is None:
        return None
    match shape:
        case ListType(item) if isinstance(value, list):
            return [_push_down(item, each, outer) for each in value]
        case ObjectType(model) if isinstance(value, Mapping):
            shapes = field_types(model)
            return {name: _push_down(shapes.get(name, AnyType()), each, outer) for name, each in value.items()}
    return merge_outputs(Output(value, outer.secret, outer.sources))


def write_outputs(model: type[BaseModel], values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Rename and encode values that contain `Output`. A field that the model declares secret is secret as a whole."""
    marked = {
        name: replace(merge_outputs(value), secret=True) if spec.secret else value
        for name, spec in field_specs(model).items()
        if (value := values.get(name)) is not None
    }
    return encode(to_property_names(model, marked))


def write_inputs(model: type[BaseModel], inputs: Inputs) -> struct_pb2.Struct:
    """Rename and encode inputs. Secret properties are marked secret."""
    return encode(to_property_names(model, inputs.values), inputs.secrets)


def write_state(
    model: type[BaseModel], values: Mapping[str, Any], secrets: frozenset[str], redactor: Redactor
) -> struct_pb2.Struct:
    """Rename and encode a state.

    Args:
        model: The model of the state. Fields that it declares secret are marked secret.
        values: The state by declared names.
        secrets: The property names of further secret properties.
        redactor: The secrets of the request. A field that repeats one of them is marked secret as well.
    """
    marked = {to_camel(name) for name, spec in field_specs(model).items() if spec.secret}
    marked |= {to_camel(name) for name, value in values.items() if redactor.occurs_in(value)}
    return encode(to_property_names(model, values), secrets | marked)


def read_entry(resource: Resource[Any, Any, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a resource in an exported stack by declared names, without the secret ones.

    Raises:
        ResourceError: A newer release wrote the state.
    """
    outputs = to_plain_outputs(entry)
    version = int(outputs.pop(SCHEMA_VERSION, 0))
    return _upgraded(resource, version, to_declared_names(resource.state, outputs))


def to_plain_outputs(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a resource in an exported stack by property names, without the secret ones."""
    outputs: Mapping[str, Any] = entry.get("outputs") or {}
    return {name: value for name, value in outputs.items() if name != ACCOUNT and not _is_marked(value)}


def _is_marked(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value


def account_in(struct: struct_pb2.Struct) -> str | None:
    """Return the account in a state (`Package.account`), or None if it contains none."""
    return struct.fields[ACCOUNT].string_value or None if ACCOUNT in struct.fields else None


def with_marks(resource: Resource[Any, Any, Any], struct: struct_pb2.Struct, account: str | None) -> struct_pb2.Struct:
    """Add the account, if there is one, and the schema version, if it is not 0, to a state, and return the state."""
    if account:
        struct.fields[ACCOUNT].string_value = account
    if resource.schema_version:
        struct.fields[SCHEMA_VERSION].number_value = resource.schema_version
    return struct


def request_redactor(request: Message) -> Redactor:
    """Return a redactor for all values that are marked secret in a request, without the object's id.

    The engine shows the id. A secret map of outputs may repeat it, and messages that name the object would lose it.
    """
    structs = (value for _, value in request.ListFields() if isinstance(value, struct_pb2.Struct))
    texts = (text for struct in structs for each in struct.fields.values() for text in iter_secret_strings(each))
    shown = getattr(request, "id", "")
    return Redactor(text for text in texts if text != shown)
