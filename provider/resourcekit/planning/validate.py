"""Validate arguments, as far as they are known, and normalize them.

Each value must have its declared type: `"off"` is no boolean and `true` is no number, although pydantic could convert
them. Only an integer may be a float or a Decimal, because the engines' protocols have no integers.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from resourcekit.errors import CheckFailure
from resourcekit.field_types import (
    AnyType,
    FieldType,
    ListType,
    MapType,
    ObjectType,
    ScalarKind,
    ScalarType,
    field_types,
)
from resourcekit.fields import FieldSpec, field_specs, to_plain, without_nulls
from resourcekit.resource import DataSource, Resource
from resourcekit.unknown import UNKNOWN, contains_unknown, drop_unknowns

if TYPE_CHECKING:
    from resourcekit.component import Component

_NUMBERS = (int, float, Decimal)
_WHOLE = re.compile("[0-9]{1,18}")
_KINDS: Mapping[ScalarKind, Any] = {"string": str, "integer": _NUMBERS, "number": _NUMBERS, "boolean": bool}
_KIND_RULES: Mapping[ScalarKind, str] = {
    "string": "must be a string",
    "integer": "must be a whole number",
    "number": "must be a number",
    "boolean": "must be true or false",
}
# Replacements for pydantic's messages, which name Python's types.
_RULES: Mapping[str, str] = {
    "string_type": _KIND_RULES["string"],
    "int_type": _KIND_RULES["integer"],
    "int_from_float": _KIND_RULES["integer"],
    "float_type": _KIND_RULES["number"],
    "bool_type": _KIND_RULES["boolean"],
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be an object",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "missing": "missing required property",
    "extra_forbidden": "unknown property",
}


@dataclass(frozen=True)
class Validated:
    """Normalized arguments and the rules that they break."""

    values: dict[str, Any]  # the arguments without nulls, also inside maps, and with coerced numbers
    failures: tuple[CheckFailure, ...]  # the broken rules


def validate_arguments(model: type[BaseModel], args: Mapping[str, Any]) -> Validated:
    """Validate the known values of `args`, field by field. Null is the same as left out, in both engines."""
    fields, shapes = field_specs(model), field_types(model)
    values: dict[str, Any] = {}
    failures = [_unknown_name(name, fields) for name in args if name not in fields]
    for name, spec in fields.items():
        value = args.get(name)
        if value is None:
            if spec.required:
                failures.append(CheckFailure(name, "missing required property"))
            continue
        if value is UNKNOWN:
            values[name] = value
            continue
        checked, problems = _check_value(spec, shapes[name], value)
        values[name] = checked
        failures.extend(problems)
    return Validated(values, tuple(failures))


def validate_declaration(
    declared: Resource[Any, Any, Any] | DataSource[Any, Any, Any] | Component[Any, Any], args: Mapping[str, Any]
) -> Validated:
    """Validate each argument, and then, if all are valid, the rules across arguments (`validate`)."""
    checked = validate_arguments(declared.arguments, args)
    if checked.failures:
        return checked
    return Validated(checked.values, tuple(declared.validate(checked.values)))


def null_entries(model: type[BaseModel], args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the free-form maps of `args` that contain null entries, unchanged: release 0.1.0 sent such entries."""
    shapes = field_types(model)
    return {
        name: value
        for name, value in args.items()
        if shapes.get(name) == MapType(AnyType()) and isinstance(value, Mapping) and without_nulls(value) != value
    }


def with_unknown_references(model: type[BaseModel], args: Mapping[str, Any]) -> dict[str, Any]:
    """Return `args` with each `Reference` replaced by UNKNOWN: a mock may have generated the value."""
    fields = field_specs(model)
    return {
        name: UNKNOWN if value is not None and name in fields and fields[name].reference else value
        for name, value in args.items()
    }


def _unknown_name(name: str, fields: Mapping[str, FieldSpec]) -> CheckFailure:
    similar = difflib.get_close_matches(name, fields, n=1)
    hint = (
        f"did you mean `{similar[0]}`?" if similar else "expected one of " + ", ".join(f"`{each}`" for each in fields)
    )
    return CheckFailure(name, f"unknown property; {hint}")


def _check_value(spec: FieldSpec, shape: FieldType, value: Any) -> tuple[Any, list[CheckFailure]]:
    if spec.numeric_id and isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    value = without_nulls(value)
    problems = _check_objects(spec.name, shape, value) or list(_type_failures(shape, value, spec.name))
    # Of a map with unknown entries, the known entries are validated, and all entries are returned.
    partial = contains_unknown(value)
    if problems or (partial and not isinstance(value, Mapping)):
        return value, problems
    if partial and isinstance(shape, ObjectType):
        return validate_arguments(shape.model, value).values, []
    try:
        checked = to_plain(spec.validator.validate_python(drop_unknowns(value) if partial else value))
    except ValidationError as error:
        return value, [_failure(spec.name, detail) for detail in error.errors(include_url=False)]
    return ({**value, **checked} if partial else checked), []


def _check_objects(path: str, shape: FieldType, value: Any) -> list[CheckFailure]:
    """Return the failures of the fields of an object, or of all objects of a list, with the path of each field."""
    match shape:
        case ObjectType(model) if isinstance(value, Mapping):
            return [
                CheckFailure(f"{path}.{failure.property}", failure.reason)
                for failure in validate_arguments(model, value).failures
            ]
        case ListType(item) if isinstance(value, list):
            return [failure for i, each in enumerate(value) for failure in _check_objects(f"{path}.{i}", item, each)]
    return []


def _type_failures(shape: FieldType, value: Any, path: str) -> Iterator[CheckFailure]:
    """Yield a failure for each part of a value that has another type than declared."""
    match shape:
        case _ if value is None or value is UNKNOWN:
            return
        case ScalarType(kind):
            if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
                yield CheckFailure(path, _KIND_RULES[kind])
        case ListType(item) if isinstance(value, list):
            for index, each in enumerate(value):
                yield from _type_failures(item, each, f"{path}.{index}")
        case MapType(item) if isinstance(value, Mapping):
            for key, each in value.items():
                yield from _type_failures(item, each, f"{path}.{key}")
        case ObjectType(model) if isinstance(value, Mapping):
            for name, part in field_types(model).items():
                yield from _type_failures(part, value.get(name), f"{path}.{name}")


def _failure(name: str, detail: Any) -> CheckFailure:
    path = ".".join([name, *(str(part) for part in detail["loc"])])
    rule = _RULES.get(detail["type"], str(detail["msg"]).removeprefix("Value error, "))
    limits = {key: f"{each:g}" if isinstance(each, float) else each for key, each in detail.get("ctx", {}).items()}
    return CheckFailure(path, rule.format(**limits) if detail["type"] in _RULES else rule)
