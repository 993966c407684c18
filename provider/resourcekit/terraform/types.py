"""Terraform's types (cty), and the type behind a declared shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resourcekit.shapes import Anything, ListOf, MapOf, ObjectOf, Scalar, Shape, field_shapes

CollectionKind = Literal["list", "set", "map"]


@dataclass(frozen=True)
class Primitive:
    """string, number or bool."""

    name: Literal["string", "number", "bool"]


@dataclass(frozen=True)
class Collection:
    """Items of one type."""

    kind: CollectionKind
    item: CtyType


@dataclass(frozen=True)
class TupleOf:
    """Items of a type each; only ever inside a dynamic value."""

    items: tuple[CtyType, ...]


@dataclass(frozen=True)
class Structure:
    """Named attributes: an object."""

    attributes: Mapping[str, CtyType]


@dataclass(frozen=True)
class Dynamic:
    """Any value; its type travels with it."""


CtyType = Primitive | Collection | TupleOf | Structure | Dynamic

STRING, NUMBER, BOOL, DYNAMIC = Primitive("string"), Primitive("number"), Primitive("bool"), Dynamic()
_OF_SCALARS = {"string": STRING, "integer": NUMBER, "number": NUMBER, "boolean": BOOL}


def type_of(shape: Shape, *, inside: bool = False) -> CtyType:
    """The type that carries values of `shape`.

    inside: within a collection, whose items must be of one known type; what may be anything is text there (JSON, where
    it is not a string).
    """
    match shape:
        case Scalar(kind):
            return _OF_SCALARS[kind]
        case Anything():
            return STRING if inside else DYNAMIC
        case MapOf(Anything()) | ListOf(Anything()):
            return STRING if inside else DYNAMIC
        case ListOf(item, unordered):
            return Collection("set" if unordered else "list", type_of(item, inside=True))
        case MapOf(value):
            return Collection("map", type_of(value, inside=True))
        case ObjectOf(model):
            return Structure({name: type_of(each, inside=inside) for name, each in field_shapes(model).items()})


def constraint(type_: CtyType) -> Any:
    """The type as the JSON that stands for it in schemas and beside dynamic values."""
    match type_:
        case Primitive(name):
            return name
        case Collection(kind, item):
            return [kind, constraint(item)]
        case TupleOf(items):
            return ["tuple", [constraint(item) for item in items]]
        case Structure(attributes):
            return ["object", {name: constraint(each) for name, each in attributes.items()}]
        case Dynamic():
            return "dynamic"


def constraint_json(type_: CtyType) -> bytes:
    """`constraint` as bytes."""
    return json.dumps(constraint(type_), separators=(",", ":")).encode()


def parse_constraint(given: Any) -> CtyType:
    """The type that a JSON constraint stands for. Raises ValueError for anything else."""
    match given:
        case "string" | "number" | "bool":
            return Primitive(given)
        case "dynamic":
            return DYNAMIC
        case ["list" | "set" | "map" as kind, item]:
            return Collection(kind, parse_constraint(item))
        case ["tuple", list(items)]:
            return TupleOf(tuple(parse_constraint(item) for item in items))
        case ["object", dict(attributes), *_optional]:
            return Structure({str(name): parse_constraint(each) for name, each in attributes.items()})
    raise ValueError(f"{given!r} is no type")
