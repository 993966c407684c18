"""The shape of a field's values, read from its annotation: what schema writers and name converters go by."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from resourcekit.declaration import Unordered, fields_of

ScalarKind = Literal["string", "integer", "number", "boolean"]
_SCALARS: Mapping[Any, ScalarKind] = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Scalar:
    """A single value."""

    kind: ScalarKind


@dataclass(frozen=True)
class ListOf:
    """Values in order; unordered: the order means nothing."""

    item: Shape
    unordered: bool = False


@dataclass(frozen=True)
class MapOf:
    """Values by names that the user chooses."""

    value: Shape


@dataclass(frozen=True)
class ObjectOf:
    """Named fields, as a model declares them."""

    model: type[BaseModel]


@dataclass(frozen=True)
class Anything:
    """Any JSON value."""


Shape = Scalar | ListOf | MapOf | ObjectOf | Anything


def shape_of(annotation: Any) -> Shape:
    """The shape behind `annotation`; optional and annotated types are looked through.

    Raises TypeError for a type that no engine could carry, at import time of the declaration's tests.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = shape_of(args[0])
        if isinstance(shape, ListOf) and any(isinstance(mark, Unordered) for mark in args[1:]):
            return replace(shape, unordered=True)
        return shape
    if origin in (Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        if len(rest) == 1:
            return shape_of(rest[0])
    if origin is Literal:
        return Scalar("string")
    if origin is list:
        return ListOf(shape_of(args[0]))
    if origin is dict:
        return MapOf(shape_of(args[1]))
    if annotation is Any:
        return Anything()
    if annotation in _SCALARS:
        return Scalar(_SCALARS[annotation])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ObjectOf(annotation)
    raise TypeError(f"no engine can carry a {annotation!r}")


@functools.cache
def field_shapes(model: type[BaseModel]) -> dict[str, Shape]:
    """The shape of each field of `model`."""
    return {name: shape_of(facts.annotation) for name, facts in fields_of(model).items()}


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what a free-form value consists of besides maps and lists, each with its path."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}.{index}")
    else:
        yield path, value


def described(value: Any) -> str:
    """Return what kind of JSON value it is, in the words of messages: "a map", "a number"."""
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
