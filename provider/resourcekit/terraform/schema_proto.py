"""Schemas as messages of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from resourcekit.terraform.cty.types import STRING, type_json_bytes
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.schema import Attribute, Schema

_NESTINGS = {
    "single": pb.Schema.Object.SINGLE,
    "list": pb.Schema.Object.LIST,
    "map": pb.Schema.Object.MAP,
}


Text = Callable[[str], str]


def schema_to_proto(block: Schema, text: Text) -> pb.Schema:
    """Return a schema as a message.

    Args:
        block: The schema.
        text: Rewrites a declared text in this engine's spelling.
    """
    return pb.Schema(
        version=block.version,
        block=pb.Schema.Block(
            version=block.version,
            attributes=_attributes(block.attributes, text),
            description=text(block.description),
            description_kind=pb.MARKDOWN,
        ),
    )


def identity_schema() -> pb.ResourceIdentitySchema:
    """Return the identity schema of every resource: its id, which imports take too."""
    attribute = pb.ResourceIdentitySchema.IdentityAttribute(
        name="id", type=type_json_bytes(STRING), required_for_import=True, description="The resource's `id`."
    )
    return pb.ResourceIdentitySchema(version=0, identity_attributes=[attribute])


def _attributes(attributes: Iterable[Attribute], text: Text) -> list[pb.Schema.Attribute]:
    return [_attribute(attribute, text) for attribute in attributes]


def _attribute(attribute: Attribute, text: Text) -> pb.Schema.Attribute:
    type_fields: dict[str, Any] = {"type": type_json_bytes(attribute.type)}
    if attribute.nesting:
        nested = pb.Schema.Object(attributes=_attributes(attribute.nested, text), nesting=_NESTINGS[attribute.nesting])
        type_fields = {"nested_type": nested}
    return pb.Schema.Attribute(
        name=attribute.name,
        description=text(attribute.description),
        description_kind=pb.MARKDOWN,
        required=attribute.required,
        optional=attribute.optional,
        computed=attribute.computed,
        sensitive=attribute.sensitive,
        write_only=attribute.write_only,
        deprecated=attribute.deprecated is not None,
        deprecation_message=text(attribute.deprecated or ""),
        **type_fields,
    )
