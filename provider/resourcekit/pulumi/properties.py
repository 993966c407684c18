"""A model's values to and from property structs: names and secrets handled in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.message import Message
from pydantic import BaseModel

from resourcekit.declaration import fields_of
from resourcekit.pulumi.names import camel, from_pulumi, to_pulumi
from resourcekit.pulumi.wire import decode, encode, secret_texts
from resourcekit.secrecy import Hidden

# Entries that the engine adds to inputs for its own use.
_ENGINE_KEYS = frozenset({"__internal", "__defaults", "__pulumi-go-provider-infer"})


@dataclass(frozen=True)
class Inputs:
    """Values by declared names; `secrets` holds the *property* names that arrived marked."""

    values: dict[str, Any]
    secrets: frozenset[str]


def read_inputs(model: type[BaseModel], struct: struct_pb2.Struct) -> Inputs:
    """Decode and rename; raises ResourceError for values that are no plain data."""
    found = decode(struct)
    values = {name: value for name, value in found.values.items() if name not in _ENGINE_KEYS}
    return Inputs(from_pulumi(model, values), found.secrets)


def write_inputs(model: type[BaseModel], inputs: Inputs) -> struct_pb2.Struct:
    """Rename and encode; what arrived secret leaves secret."""
    return encode(to_pulumi(model, inputs.values), inputs.secrets)


def write_state(
    model: type[BaseModel], values: Mapping[str, Any], secrets: frozenset[str], hidden: Hidden
) -> struct_pb2.Struct:
    """As `write_inputs`, with the fields marked too that the model declares secret, or that repeat a hidden value."""
    marked = {camel(name) for name, facts in fields_of(model).items() if facts.secret}
    marked |= {camel(name) for name, value in values.items() if hidden.shown_in(value)}
    return encode(to_pulumi(model, values), secrets | marked)


def hidden_in(request: Message) -> Hidden:
    """What arrived secret in any of a request's property structs."""
    structs = (value for _, value in request.ListFields() if isinstance(value, struct_pb2.Struct))
    return Hidden(text for struct in structs for each in struct.fields.values() for text in secret_texts(each))
