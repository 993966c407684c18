"""Terraform's types (cty), and the type of a declared field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, ScalarType, field_types

CollectionKind = Literal["list", "set", "map"]


@dataclass(frozen=True)
class CtyPrimitive:
    """A string, number or bool."""

    name: Literal["string", "number", "bool"]


@dataclass(frozen=True)
class CtyCollection:
    """A list, set or map of items of one type."""

    kind: CollectionKind
    item: CtyType


@dataclass(frozen=True)
class CtyTuple:
    """A list with a type for each item. Occurs only inside a dynamic value."""

    items: tuple[CtyType, ...]


@dataclass(frozen=True)
class CtyObject:
    """An object: named attributes, each with a type."""

    attributes: Mapping[str, CtyType]


@dataclass(frozen=True)
class CtyDynamic:
    """A value of any type, which is sent with the value."""


CtyType = CtyPrimitive | CtyCollection | CtyTuple | CtyObject | CtyDynamic

STRING, NUMBER, BOOL, DYNAMIC = CtyPrimitive("string"), CtyPrimitive("number"), CtyPrimitive("bool"), CtyDynamic()
_OF_SCALARS = {"string": STRING, "integer": NUMBER, "number": NUMBER, "boolean": BOOL}


def cty_type(type_: FieldType, *, inside: bool = False) -> CtyType:
    """Return the Terraform type of a declared field.

    Args:
        type_: The declared type.
        inside: Whether it is within a collection, whose items must be of one known type. A value of any type is a
            string there: as JSON, unless it is a string itself.
    """
    match type_:
        case ScalarType(kind):
            return _OF_SCALARS[kind]
        case AnyType():
            return STRING if inside else DYNAMIC
        case MapType(AnyType()) | ListType(AnyType()):
            return STRING if inside else DYNAMIC
        case ListType(item, unordered):
            return CtyCollection("set" if unordered else "list", cty_type(item, inside=True))
        case MapType(value):
            return CtyCollection("map", cty_type(value, inside=True))
        case ObjectType(model):
            return CtyObject({name: cty_type(each, inside=inside) for name, each in field_types(model).items()})


def type_to_json(type_: CtyType) -> Any:
    """Return a type's JSON form, which schemas and dynamic values use."""
    match type_:
        case CtyPrimitive(name):
            return name
        case CtyCollection(kind, item):
            return [kind, type_to_json(item)]
        case CtyTuple(items):
            return ["tuple", [type_to_json(item) for item in items]]
        case CtyObject(attributes):
            return ["object", {name: type_to_json(each) for name, each in attributes.items()}]
        case CtyDynamic():
            return "dynamic"


def type_json_bytes(type_: CtyType) -> bytes:
    """Return a type's JSON form as bytes."""
    return json.dumps(type_to_json(type_), separators=(",", ":")).encode()


def parse_type(json_type: Any) -> CtyType:
    """Return the type of a JSON form.

    Raises:
        ValueError: It is not the JSON form of a type.
    """
    match json_type:
        case "string" | "number" | "bool":
            return CtyPrimitive(json_type)
        case "dynamic":
            return DYNAMIC
        case ["list" | "set" | "map" as kind, item]:
            return CtyCollection(kind, parse_type(item))
        case ["tuple", list(items)]:
            return CtyTuple(tuple(parse_type(item) for item in items))
        case ["object", dict(attributes), *_optional]:
            return CtyObject({str(name): parse_type(each) for name, each in attributes.items()})
    raise ValueError(f"{json_type!r} is not a type")
