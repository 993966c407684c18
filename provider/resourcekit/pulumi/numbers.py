"""Reject integers that Pulumi's protocol rounds: its numbers are doubles, which are not exact from 2^53 on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.errors import CheckFailure
from resourcekit.field_types import (
    AnyType,
    FieldType,
    ListType,
    MapType,
    ObjectType,
    ScalarType,
    field_types,
    iter_leaves,
)
from resourcekit.fields import FieldSpec, field_specs

_LIMIT: Final = 2**53
_ROUNDED: Final = "is a number of 2^53 (9007199254740992) or more, which Pulumi rounds before the provider sees it"
_ADVICE: Final = f"{_ROUNDED}: give it as a string, which stays exact"
_ADVICE_DECLARED: Final = f"{_ROUNDED}: give a smaller one"


def loses_digits(value: Any) -> bool:
    """Return whether the value is an integer that a double cannot represent exactly."""
    if not isinstance(value, int) or abs(value) <= _LIMIT:
        return False
    try:
        return int(float(value)) != value
    except OverflowError:
        return True


def rounded_numbers(
    model: type[BaseModel], values: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> list[CheckFailure]:
    """Return a failure for each integer that may differ from the one in the program.

    Args:
        model: The model of the values. A field declared as `float` is a double at the API too, so it is accepted.
        values: The values by declared names.
        before: The values of the last run. An unchanged value is not sent again, so it is accepted.
    """
    fields, earlier = field_specs(model), before or {}
    return [
        CheckFailure(path, advice)
        for name, shape in field_types(model).items()
        if name in values and not _is_same(fields[name], earlier.get(name), values[name])
        for path, advice in _rounded(shape, values[name], name)
    ]


def _is_same(spec: FieldSpec, before: Any, now: Any) -> bool:
    return before is not None and spec.semantically_equal(before, now)


def _rounded(shape: FieldType, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each such number and the advice for it."""
    match shape:
        case AnyType():
            yield from ((at, _ADVICE) for at, leaf in iter_leaves(value, path) if _is_rounded(leaf))
        case ScalarType("integer") if _is_rounded(value):
            yield path, _ADVICE_DECLARED
        case ListType(item) if isinstance(value, list):
            for index, each in enumerate(value):
                yield from _rounded(item, each, f"{path}.{index}")
        case MapType(item) if isinstance(value, Mapping):
            for name, each in value.items():
                yield from _rounded(item, each, f"{path}.{name}")
        case ObjectType(model) if isinstance(value, Mapping):
            for name, part in field_types(model).items():
                yield from _rounded(part, value.get(name), f"{path}.{name}")


def _is_rounded(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _LIMIT
