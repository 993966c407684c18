"""Check: are these arguments right, as far as they are known? And their normal form.

Each value must be of its own kind: `"off"` is no boolean and `true` no number, however well pydantic could read them.
Only a whole number may come as a float or a Decimal, because the engines' wires know no integers.
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
# pydantic's messages speak of Python's types.
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
    """The arguments in normal form (null dropped, in maps too; numbers coerced) and every rule that they break."""

    values: dict[str, Any]
    failures: tuple[CheckFailure, ...]


def validate_arguments(model: type[BaseModel], given: Mapping[str, Any]) -> Validated:
    """Validate what is known of `given` field by field. null and left out mean the same (both engines)."""
    fields, shapes = field_specs(model), field_types(model)
    values: dict[str, Any] = {}
    failures = [_unknown_name(name, fields) for name in given if name not in fields]
    for name, facts in fields.items():
        value = given.get(name)
        if value is None:
            if facts.required:
                failures.append(CheckFailure(name, "missing required property"))
            continue
        if value is UNKNOWN:
            values[name] = value
            continue
        checked, problems = _check_value(facts, shapes[name], value)
        values[name] = checked
        failures.extend(problems)
    return Validated(values, tuple(failures))


def validate_declaration(
    declared: Resource[Any, Any, Any] | DataSource[Any, Any, Any] | Component[Any, Any], given: Mapping[str, Any]
) -> Validated:
    """`validate_arguments`, then the declared one's own rules where each argument is right by itself."""
    checked = validate_arguments(declared.arguments, given)
    if checked.failures:
        return checked
    return Validated(checked.values, tuple(declared.validate(checked.values)))


def null_entries(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the free maps of `given` that hold null entries, as they are: release 0.1.0 sent such entries."""
    shapes = field_types(model)
    return {
        name: value
        for name, value in given.items()
        if shapes.get(name) == MapType(AnyType()) and isinstance(value, Mapping) and without_nulls(value) != value
    }


def with_unknown_references(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with each reference to another object unknown: what it refers to may be made up."""
    fields = field_specs(model)
    return {
        name: UNKNOWN if value is not None and name in fields and fields[name].reference else value
        for name, value in given.items()
    }


def _unknown_name(name: str, fields: Mapping[str, FieldSpec]) -> CheckFailure:
    near = difflib.get_close_matches(name, fields, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "there are " + ", ".join(f"`{field}`" for field in fields)
    return CheckFailure(name, f"unknown property; {hint}")


def _check_value(facts: FieldSpec, shape: FieldType, value: Any) -> tuple[Any, list[CheckFailure]]:
    if facts.numeric_id and isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    value = without_nulls(value)
    problems = _check_objects(facts.name, shape, value) or list(_misfits(shape, value, facts.name))
    # A container with unknowns is checked by its known entries and handed on whole.
    partial = contains_unknown(value)
    if problems or (partial and not isinstance(value, Mapping)):
        return value, problems
    if partial and isinstance(shape, ObjectType):
        return validate_arguments(shape.model, value).values, []
    try:
        checked = to_plain(facts.validator.validate_python(drop_unknowns(value) if partial else value))
    except ValidationError as error:
        return value, [_failure(facts.name, detail) for detail in error.errors(include_url=False)]
    return ({**value, **checked} if partial else checked), []


def _check_objects(path: str, shape: FieldType, value: Any) -> list[CheckFailure]:
    """The failures of an object's fields, each by its own path; of the objects in a list too."""
    match shape:
        case ObjectType(model) if isinstance(value, Mapping):
            return [
                CheckFailure(f"{path}.{each.property}", each.reason)
                for each in validate_arguments(model, value).failures
            ]
        case ListType(item) if isinstance(value, list):
            return [found for i, each in enumerate(value) for found in _check_objects(f"{path}.{i}", item, each)]
    return []


def _misfits(shape: FieldType, value: Any, path: str) -> Iterator[CheckFailure]:
    """What in a value is of another kind than its place."""
    match shape:
        case _ if value is None or value is UNKNOWN:
            return
        case ScalarType(kind):
            if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
                yield CheckFailure(path, _KIND_RULES[kind])
        case ListType(item) if isinstance(value, list):
            for index, each in enumerate(value):
                yield from _misfits(item, each, f"{path}.{index}")
        case MapType(item) if isinstance(value, Mapping):
            for key, each in value.items():
                yield from _misfits(item, each, f"{path}.{key}")
        case ObjectType(model) if isinstance(value, Mapping):
            for name, part in field_types(model).items():
                yield from _misfits(part, value.get(name), f"{path}.{name}")


def _failure(name: str, detail: Any) -> CheckFailure:
    path = ".".join([name, *(str(part) for part in detail["loc"])])
    rule = _RULES.get(detail["type"], str(detail["msg"]).removeprefix("Value error, "))
    facts = {key: f"{each:g}" if isinstance(each, float) else each for key, each in detail.get("ctx", {}).items()}
    return CheckFailure(path, rule.format(**facts) if detail["type"] in _RULES else rule)
