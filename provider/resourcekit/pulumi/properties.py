"""A model's values to and from property structs: names and secrets handled in one place."""

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
from resourcekit.pulumi.casing import to_camel, to_declared_names, to_property_names
from resourcekit.pulumi.property_value import SIGNATURE, decode, decode_outputs, encode, iter_secret_strings
from resourcekit.pulumi.stack_export import ACCOUNT
from resourcekit.redaction import Redactor

# Entries that the engine adds to inputs for its own use; and the one of ours, named as those are that engines hide.
_ENGINE_KEYS = frozenset({"__internal", "__defaults", "__pulumi-go-provider-infer", ACCOUNT})


@dataclass(frozen=True)
class Inputs:
    """Values by declared names; `secrets` holds the *property* names that arrived marked."""

    values: dict[str, Any]
    secrets: frozenset[str]


def read_inputs(model: type[BaseModel], struct: struct_pb2.Struct) -> Inputs:
    """Decode and rename; raises ResourceError for values that are no plain data."""
    found = decode(struct)
    values = {name: value for name, value in found.values.items() if name not in _ENGINE_KEYS}
    return Inputs(to_declared_names(model, values), found.secrets)


def read_outputs(
    model: type[BaseModel], struct: struct_pb2.Struct, sources: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """As `read_inputs`, with an `Output` wherever the model declares no further structure.

    sources: of a whole property, by its property name, for values that do not tell their own.
    """
    found = {name: value for name, value in decode_outputs(struct).items() if name not in _ENGINE_KEYS}
    told = {
        name: value if merge_outputs(value).sources else Output(value, sources=sources.get(name, frozenset()))
        for name, value in found.items()
    }
    shapes = field_types(model)
    return {
        name: _settled(shapes.get(name, AnyType()), value, Output(None))
        for name, value in to_declared_names(model, told).items()
    }


def _settled(shape: FieldType, value: Any, around: Output) -> Any:
    """What is marked around a list or an object of declared shape, moved to what is in it."""
    if isinstance(value, Output):
        outer = Output(None, around.secret or value.secret, around.sources | value.sources)
        return _settled(shape, value.value, outer)
    if value is None:
        return None
    match shape:
        case ListType(item) if isinstance(value, list):
            return [_settled(item, each, around) for each in value]
        case ObjectType(model) if isinstance(value, Mapping):
            shapes = field_types(model)
            return {name: _settled(shapes.get(name, AnyType()), each, around) for name, each in value.items()}
    return merge_outputs(Output(value, around.secret, around.sources))


def write_outputs(model: type[BaseModel], values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Rename and encode values that hold `Output`s; the fields that the model declares secret are marked whole."""
    marked = {
        name: replace(merge_outputs(value), secret=True) if facts.secret else value
        for name, facts in field_specs(model).items()
        if (value := values.get(name)) is not None
    }
    return encode(to_property_names(model, marked))


def write_inputs(model: type[BaseModel], inputs: Inputs) -> struct_pb2.Struct:
    """Rename and encode; what arrived secret leaves secret."""
    return encode(to_property_names(model, inputs.values), inputs.secrets)


def write_state(
    model: type[BaseModel], values: Mapping[str, Any], secrets: frozenset[str], hidden: Redactor
) -> struct_pb2.Struct:
    """As `write_inputs`, with the fields marked too that the model declares secret, or that repeat a hidden value."""
    marked = {to_camel(name) for name, facts in field_specs(model).items() if facts.secret}
    marked |= {to_camel(name) for name, value in values.items() if hidden.occurs_in(value)}
    return encode(to_property_names(model, values), secrets | marked)


def read_entry(model: type[BaseModel], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a resource in an exported stack by their declared names, without those that are secret."""
    return to_declared_names(model, to_plain_outputs(entry))


def to_plain_outputs(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a resource in an exported stack by their own names, without those that are secret."""
    outputs: Mapping[str, Any] = entry.get("outputs") or {}
    return {name: value for name, value in outputs.items() if name != ACCOUNT and not _is_marked(value)}


def _is_marked(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value


def account_in(struct: struct_pb2.Struct) -> str | None:
    """Return the account that a state records (`Package.account`); None where it records none."""
    return struct.fields[ACCOUNT].string_value or None if ACCOUNT in struct.fields else None


def with_account(struct: struct_pb2.Struct, account: str | None) -> struct_pb2.Struct:
    """Return a state with an account recorded, where there is one."""
    if account:
        struct.fields[ACCOUNT].string_value = account
    return struct


def request_redactor(request: Message) -> Redactor:
    """What arrived secret in any of a request's property structs."""
    structs = (value for _, value in request.ListFields() if isinstance(value, struct_pb2.Struct))
    return Redactor(text for struct in structs for each in struct.fields.values() for text in iter_secret_strings(each))
