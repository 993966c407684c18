"""Convert names between snake_case (declarations) and camelCase (Pulumi). Keys of maps, which users choose, stay."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from resourcekit.component import Output
from resourcekit.field_types import FieldType, ListType, MapType, ObjectType, field_types
from resourcekit.fields import field_specs

_CAPITAL = re.compile(r"[A-Z]")
_QUOTED = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`")


@functools.cache
def to_camel(name: str) -> str:
    """Return a name in camelCase: `db_type` becomes `dbType`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def from_camel(name: str) -> str:
    """Return the declared name of a property, as the inverse of `to_camel`: `dbType` becomes `db_type`."""
    return _CAPITAL.sub(lambda match: f"_{match[0].lower()}", name)


def camel_path(path: str, shape: FieldType | None = None) -> str:
    """Return a property path in Pulumi's spelling: `blueprint_variables.a_b` becomes `blueprintVariables.a_b`.

    Args:
        path: The path by declared names, with dots.
        shape: The object that the path starts in, to rename all parts (`a_b.1.c_d` becomes `aB[1].cD`). Without it
            only the first part is renamed.
    """
    head, dot, tail = path.partition(".")
    below = field_types(shape.model).get(head) if isinstance(shape, ObjectType) else None
    return to_camel(head) + (_camel_below(tail, below) if dot else "")


def _camel_below(path: str, shape: FieldType | None) -> str:
    if isinstance(shape, ObjectType):
        return "." + camel_path(path, shape)
    head, dot, tail = path.partition(".")
    step = f"[{head}]" if isinstance(shape, ListType) else f".{head}"
    below = shape.value if isinstance(shape, MapType) else shape.item if isinstance(shape, ListType) else None
    return step + (_camel_below(tail, below) if dot else "")


def camelize_code_spans(text: str) -> str:
    """Return a text with the declared names in its code spans in Pulumi's spelling."""
    return _QUOTED.sub(lambda match: f"`{to_camel(match[1])}`", text)


def to_declared_names(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert property names to declared names, at all depths. An unknown name stays; Check rejects it."""
    names = _snake_names(model)
    shapes = field_types(model)
    renamed: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key, key)
        renamed[name] = _walk(shapes[name], value, to_declared_names) if name in shapes else value
    return renamed


def to_property_names(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert declared names to property names, at all depths. Null entries are left out, as Pulumi does in outputs."""
    shapes = field_types(model)
    return {
        to_camel(name): _walk(shapes[name], value, to_property_names) if name in shapes else value
        for name, value in values.items()
        if (value.value if isinstance(value, Output) else value) is not None
    }


@functools.cache
def _snake_names(model: type[BaseModel]) -> dict[str, str]:
    return {to_camel(name): name for name in field_specs(model)}


def _walk(shape: FieldType, value: Any, rename: Callable[[type[BaseModel], Mapping[str, Any]], Any]) -> Any:
    if isinstance(value, Output):
        return replace(value, value=_walk(shape, value.value, rename))
    match shape:
        case ObjectType(model) if isinstance(value, Mapping):
            return rename(model, value)
        case ListType(item) if isinstance(value, list):
            return [_walk(item, entry, rename) for entry in value]
        case MapType(entry_shape) if isinstance(value, Mapping):
            return {key: _walk(entry_shape, entry, rename) for key, entry in value.items()}
    return value
