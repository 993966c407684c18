"""Terraform's types (cty), and the type behind a declared shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, ScalarType, field_types

CollectionKind = Literal["list", "set", "map"]


@dataclass(frozen=True)
class CtyPrimitive:
    """string, number or bool."""

    name: Literal["string", "number", "bool"]


@dataclass(frozen=True)
class CtyCollection:
    """Items of one type."""

    kind: CollectionKind
    item: CtyType


@dataclass(frozen=True)
class CtyTuple:
    """Items of a type each; only ever inside a dynamic value."""

    items: tuple[CtyType, ...]


@dataclass(frozen=True)
class CtyObject:
    """Named attributes: an object."""

    attributes: Mapping[str, CtyType]


@dataclass(frozen=True)
class CtyDynamic:
    """Any value; its type travels with it."""


CtyType = CtyPrimitive | CtyCollection | CtyTuple | CtyObject | CtyDynamic

STRING, NUMBER, BOOL, DYNAMIC = CtyPrimitive("string"), CtyPrimitive("number"), CtyPrimitive("bool"), CtyDynamic()
_OF_SCALARS = {"string": STRING, "integer": NUMBER, "number": NUMBER, "boolean": BOOL}


def cty_type(shape: FieldType, *, inside: bool = False) -> CtyType:
    """The type that carries values of `shape`.

    inside: within a collection, whose items must be of one known type; what may be anything is text there (JSON, where
    it is not a string).
    """
    match shape:
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
    """The type as the JSON that stands for it in schemas and beside dynamic values."""
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
    """`constraint` as bytes."""
    return json.dumps(type_to_json(type_), separators=(",", ":")).encode()


def parse_type(given: Any) -> CtyType:
    """The type that a JSON constraint stands for. Raises ValueError for anything else."""
    match given:
        case "string" | "number" | "bool":
            return CtyPrimitive(given)
        case "dynamic":
            return DYNAMIC
        case ["list" | "set" | "map" as kind, item]:
            return CtyCollection(kind, parse_type(item))
        case ["tuple", list(items)]:
            return CtyTuple(tuple(parse_type(item) for item in items))
        case ["object", dict(attributes), *_optional]:
            return CtyObject({str(name): parse_type(each) for name, each in attributes.items()})
    raise ValueError(f"{given!r} is no type")
