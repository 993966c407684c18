"""A model's values to and from property structs: names and secrets handled in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from pydantic import BaseModel

from resourcekit.declaration import fields_of
from resourcekit.pulumi.names import camel, from_pulumi, to_pulumi
from resourcekit.pulumi.wire import decode, encode

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


def write_state(model: type[BaseModel], values: Mapping[str, Any], secrets: frozenset[str]) -> struct_pb2.Struct:
    """As `write_inputs`, with the fields that the model declares secret marked too."""
    declared = {camel(name) for name, facts in fields_of(model).items() if facts.secret}
    return encode(to_pulumi(model, values), secrets | declared)
