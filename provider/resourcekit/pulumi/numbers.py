"""Whole numbers that Pulumi's wire rounds: it carries doubles, which skip whole numbers from 2^53 on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.declaration import FieldFacts, fields_of
from resourcekit.errors import Failure
from resourcekit.shapes import Anything, ListOf, MapOf, ObjectOf, Shape, field_shapes

_LIMIT: Final = 2**53
_ADVICE: Final = (
    "is a number of 2^53 (9007199254740992) or more, which Pulumi rounds before the provider sees it: give it as a "
    "string, which is taken exactly"
)


def loses_digits(value: Any) -> bool:
    """Return whether this is a whole number that a double cannot carry exactly."""
    if not isinstance(value, int) or abs(value) <= _LIMIT:
        return False
    try:
        return int(float(value)) != value
    except OverflowError:
        return True


def rounded_numbers(
    model: type[BaseModel], values: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> list[Failure]:
    """Return a failure for each number in a free-form value that may not be the one in the program.

    Args:
        model: What declares the values. A declared number is a double at the API too, so it is left alone.
        values: The values by their declared names.
        before: The values of the last run. What is the same as there is not sent again, so it is accepted.

    """
    fields, earlier = fields_of(model), before or {}
    return [
        Failure(path, _ADVICE)
        for name, shape in field_shapes(model).items()
        if name in values and not _is_same(fields[name], earlier.get(name), values[name])
        for path in _rounded(shape, values[name], name)
    ]


def _is_same(facts: FieldFacts, before: Any, now: Any) -> bool:
    return before is not None and facts.same(before, now)


def _rounded(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape:
        case Anything():
            yield from _rounded_inside(value, path)
        case ListOf(item) if isinstance(value, list):
            for index, each in enumerate(value):
                yield from _rounded(item, each, f"{path}.{index}")
        case MapOf(item) if isinstance(value, Mapping):
            for name, each in value.items():
                yield from _rounded(item, each, f"{path}.{name}")
        case ObjectOf(model) if isinstance(value, Mapping):
            for name, part in field_shapes(model).items():
                yield from _rounded(part, value.get(name), f"{path}.{name}")


def _rounded_inside(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _rounded_inside(each, f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _rounded_inside(each, f"{path}.{index}")
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _LIMIT:
        yield path
