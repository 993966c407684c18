"""Convert property values of the protocol (a protobuf Struct with marked objects) to plain values and back.

A value that is marked secret is unwrapped, and its top-level property is recorded as secret, so that the response can
mark it again. A secret deep inside a map makes the whole property secret: rather too much is secret than too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from resourcekit.component import Output
from resourcekit.errors import ResourceError
from resourcekit.pulumi.numbers import loses_digits
from resourcekit.redaction import iter_strings
from resourcekit.unknown import UNKNOWN

# The engine's marks (pulumi/sdk/go/common/resource: signatures and unknown sentinels).
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a mark, not a secret)
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
ASSETS: Final = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


@dataclass(frozen=True)
class DecodedProperties:
    """Decoded properties by property names, and the names of the secret ones."""

    values: dict[str, Any]
    secrets: frozenset[str]


def decode(struct: struct_pb2.Struct) -> DecodedProperties:
    """Convert a Struct to plain values. A reference to a resource becomes its id.

    Raises:
        ResourceError: A value is an asset, an archive or of an unknown kind. The error names the property.
    """
    values: dict[str, Any] = {}
    secrets: set[str] = set()
    for name, value in struct.fields.items():
        reader = _Reader(name)
        values[name] = reader.read(value)
        if reader.secret:
            secrets.add(name)
    return DecodedProperties(values, frozenset(secrets))


def decode_outputs(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Convert a Struct to values with an `Output` wherever a value is marked as secret or as an output."""
    return {name: _OutputReader(name).read(value) for name, value in struct.fields.items()}


def encode(values: Mapping[str, Any], secrets: Set[str] = frozenset()) -> struct_pb2.Struct:
    """Convert values to a Struct. The properties in `secrets` and every secret `Output` are marked secret."""
    struct = struct_pb2.Struct()
    for name, value in values.items():
        if name in secrets and value is not None:
            _write_secret(struct.fields[name], value)
        else:
            _write(struct.fields[name], value)
    return struct


def with_secrets(struct: struct_pb2.Struct, names: Iterable[str]) -> struct_pb2.Struct:
    """Return a copy in which these properties are marked secret. Properties that are unknown or marked already stay."""
    marked = struct_pb2.Struct()
    marked.CopyFrom(struct)
    for name in names:
        value = struct.fields.get(name)
        if value is not None and value.WhichOneof("kind") == "string_value" and value.string_value not in UNKNOWNS:
            _write_secret(marked.fields[name], value.string_value)
    return marked


def iter_secret_strings(value: struct_pb2.Value, *, secret: bool = False) -> Iterator[str]:
    """Yield every string and number that is marked secret, at any depth of a value of any kind."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        for item in value.list_value.values:
            yield from iter_secret_strings(item, secret=secret)
    elif kind == "struct_value":
        fields = value.struct_value.fields
        mark = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
        below = secret or mark == SECRET or (mark == OUTPUT and "secret" in fields and fields["secret"].bool_value)
        for name, item in fields.items():
            if name != SIGNATURE:
                yield from iter_secret_strings(item, secret=below)
    elif secret and kind in ("string_value", "number_value"):
        yield from iter_strings(_Reader("").read(value))


class _Reader:
    """Reads one top-level property; `secret` is whether any part of it is marked secret."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.secret = False

    def read(self, value: struct_pb2.Value) -> Any:
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
        if kind == "number_value":
            number = value.number_value
            # The protocol's numbers are doubles. One without a fraction is an integer.
            return int(number) if number.is_integer() else number
        if kind == "bool_value":
            return value.bool_value
        if kind == "list_value":
            return [self.read(item) for item in value.list_value.values]
        if kind == "struct_value":
            return self._object(value.struct_value)
        return None

    def _object(self, struct: struct_pb2.Struct) -> Any:
        mark = struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""
        if not mark:
            return {key: self.read(item) for key, item in struct.fields.items()}
        if mark == SECRET:
            self.secret = True
            return self.read(struct.fields["value"])
        if mark == OUTPUT:
            if "secret" in struct.fields and struct.fields["secret"].bool_value:
                self.secret = True
            return self.read(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        if mark == RESOURCE and "id" in struct.fields:
            return self.read(struct.fields["id"])
        kind = "an asset or archive" if mark in ASSETS else "a value of a kind that this provider does not know"
        raise ResourceError(f"expected a plain value, got {kind}", property=self.name)


class _OutputReader(_Reader):
    """Reads marked values as `Output`, at any depth."""

    def _object(self, struct: struct_pb2.Struct) -> Any:
        mark = struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""
        if mark not in (SECRET, OUTPUT):
            return super()._object(struct)
        value = self.read(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        secret = mark == SECRET or ("secret" in struct.fields and struct.fields["secret"].bool_value)
        urns = struct.fields["dependencies"].list_value.values if "dependencies" in struct.fields else ()
        return Output(value, secret, frozenset(urn.string_value for urn in urns))


def _write_secret(target: struct_pb2.Value, value: Any) -> None:
    marked = target.struct_value
    marked.fields[SIGNATURE].string_value = SECRET
    _write(marked.fields["value"], value)


def _write(target: struct_pb2.Value, value: Any) -> None:
    if isinstance(value, Output):
        write = _write_secret if value.secret and value.value is not None else _write
        write(target, value.value)
    elif value is UNKNOWN:
        target.string_value = UNKNOWN_STRING
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif loses_digits(value):
        target.string_value = str(value)  # exact, which a double would not be
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _write(target.struct_value.fields[str(key)], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _write(target.list_value.values.add(), item)
