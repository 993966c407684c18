"""Read the type of a field's values from its annotation, for schemas, validation and name conversion."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from resourcekit.fields import Unordered, field_specs

ScalarKind = Literal["string", "integer", "number", "boolean"]
_SCALARS: Mapping[Any, ScalarKind] = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class ScalarType:
    """A single value."""

    kind: ScalarKind


@dataclass(frozen=True)
class ListType:
    """A list, or a set if it is `unordered`."""

    item: FieldType
    unordered: bool = False


@dataclass(frozen=True)
class MapType:
    """A map whose keys the user chooses."""

    value: FieldType


@dataclass(frozen=True)
class ObjectType:
    """Named fields, as a model declares them."""

    model: type[BaseModel]


@dataclass(frozen=True)
class AnyType:
    """Any JSON value."""


FieldType = ScalarType | ListType | MapType | ObjectType | AnyType


def field_type(annotation: Any) -> FieldType:
    """Return the type behind an annotation. `Optional` and `Annotated` are unwrapped.

    Raises:
        TypeError: No engine supports the type. The tests of the declaration find that.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = field_type(args[0])
        if isinstance(shape, ListType) and any(isinstance(mark, Unordered) for mark in args[1:]):
            return replace(shape, unordered=True)
        return shape
    if origin in (Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        if len(rest) == 1:
            return field_type(rest[0])
    if origin is Literal:
        return ScalarType("string")
    if origin is list:
        return ListType(field_type(args[0]))
    if origin is dict:
        return MapType(field_type(args[1]))
    if annotation is Any:
        return AnyType()
    if annotation in _SCALARS:
        return ScalarType(_SCALARS[annotation])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ObjectType(annotation)
    raise TypeError(f"no engine supports values of type {annotation!r}")


@functools.cache
def field_types(model: type[BaseModel]) -> dict[str, FieldType]:
    """Return the type of each field of `model`."""
    return {name: field_type(spec.annotation) for name, spec in field_specs(model).items()}


def iter_leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of each leaf of a free-form value: all that is neither map nor list."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from iter_leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from iter_leaves(item, f"{path}.{index}")
    else:
        yield path, value


def describe(value: Any) -> str:
    """Return the name of a value's JSON type as messages use it, such as "a map" or "a number"."""
    match value:
        case bool():
            return "true or false"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a string"
        case Mapping():
            return "a map"
        case list() | tuple():
            return "a list"
    return "null" if value is None else "a value of another kind"
