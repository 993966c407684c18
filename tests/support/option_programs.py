"""Random Terraform programs: resources, the options around them, and edits of both."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from support.hcl import Declared, Expression, module
from support.option_subjects import SQL

_BASES: Final = ("a", "b")
_WHO: Final = {"who": {"default": "nobody"}}
_ME: Final[Any] = {"who": "me"}
# The values that each argument may have; None = it is left out. {} stands for the resource's label.
_CHOICES: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    "polykomos_database": {
        "name": ("{}-1", "{}-2", "{}-3"),
        "region": (None, "us-east-1", "eu-west-1"),
        "plan": (None, "free", "launch"),
        "storage_hard_limit_gb": (None, 2.5, 3),
        "connection_hard_limit": (None, 5, 6),
        "warning_threshold_pct": (None, 50, 60),
        "blueprint_uuid": (None, None, *(Expression(f"polykomos_blueprint.{base}.uuid") for base in _BASES)),
        "blueprint_variables": (None, None, _ME, {"who": None}, {}),
        "store_credentials": (None, True, False),
        "deletion_protection": (None, None, False, True),
        "timeouts": (None, {"create": "10m"}, {"update": "9m"}),
    },
    "polykomos_blueprint": {
        "name": ("{}-1", "{}-2"),
        "sql_content": (SQL, SQL + " SELECT 1;"),
        "description": (None, "first", "second"),
        "variables": (_WHO, {**_WHO, "more": None}, {**_WHO, "more": {"type": "number", "default": "1"}}),
        "timeouts": (None, {"create": "10m"}),
    },
    "polykomos_blueprint_application": {
        "database_uuid": tuple(Expression(f"polykomos_database.{base}.uuid") for base in _BASES),
        "blueprint_uuid": tuple(Expression(f"polykomos_blueprint.{base}.uuid") for base in _BASES),
        "blueprint_version": (None, 1),
        "variables": (None, {}, _ME, {"who": "you"}, {"who": None}),
        "variables_wo": (None, None, _ME),
        "variables_wo_version": (None, 1, 2),
        "timeouts": (None, {"create": "10m"}),
    },
    "polykomos_webhook_endpoint": {
        "url": ("https://hooks.example.com/{}/1", "https://hooks.example.com/{}/2"),
        "events": (None, ["database.deleted"], ["database.deleted", "database.provisioned"]),
        "timeouts": (None, {"create": "10m"}),
    },
}  # fmt: skip
_MOST_EDITS: Final = 3


@dataclass(frozen=True)
class RandomProgram:
    """trigger: the value whose change replaces what is triggered by it."""

    resources: tuple[Declared, ...]
    trigger: int = 0

    def __str__(self) -> str:
        bases = [
            declared
            for base in _BASES
            for declared in (
                Declared("polykomos_database", base, {"name": f"base-{base}"}),
                Declared("polykomos_blueprint", base, {"name": f"base-{base}", "sql_content": SQL, "variables": _WHO}),
            )
        ]
        trigger = Declared("terraform_data", "trigger", {"input": self.trigger})
        return module([*bases, trigger, *self.resources])


def first_program(rng: random.Random) -> RandomProgram:
    """Two resources of each type."""
    each = [(type_, f"{type_[-4:]}{number}") for type_ in _CHOICES for number in range(2)]
    return RandomProgram(tuple(_sound(Declared(type_, label, _arguments(rng, type_, label))) for type_, label in each))


def edited(rng: random.Random, program: RandomProgram) -> RandomProgram:
    """The program with other options and other arguments."""
    resources = tuple(_edited(rng, each) if rng.random() < 0.7 else each for each in program.resources)
    return RandomProgram(resources, program.trigger + (rng.random() < 0.2))


def _arguments(rng: random.Random, type_: str, label: str) -> dict[str, Any]:
    return {name: _choice(rng, values, label) for name, values in _CHOICES[type_].items()}


def _choice(rng: random.Random, values: tuple[Any, ...], label: str) -> Any:
    value = rng.choice(values)
    return value.format(label) if isinstance(value, str) and "{}" in value else value


def _edited(rng: random.Random, declared: Declared) -> Declared:
    choices = _CHOICES[declared.type]
    arguments = dict(declared.arguments)
    for name in rng.sample(list(choices), rng.randint(0, min(_MOST_EDITS, len(choices)))):
        arguments[name] = _choice(rng, choices[name], declared.label)
    lifecycle = _lifecycle(rng, list(choices)) if rng.random() < 0.6 else declared.lifecycle
    return _sound(replace(declared, arguments=arguments, lifecycle=lifecycle))


def _lifecycle(rng: random.Random, names: list[str]) -> tuple[str, ...]:
    lines = []
    if rng.random() < 0.6:
        some = ", ".join(rng.sample(names, rng.randint(1, len(names))))
        lines.append("ignore_changes = all" if rng.random() < 0.2 else f"ignore_changes = [{some}]")
    if rng.random() < 0.3:
        lines.append("create_before_destroy = true")
    if rng.random() < 0.1:
        lines.append("prevent_destroy = true")
    if rng.random() < 0.15:
        lines.append("replace_triggered_by = [terraform_data.trigger]")
    return tuple(lines)


def _sound(declared: Declared) -> Declared:
    """Without arguments that exclude each other or mean nothing alone."""
    arguments = dict(declared.arguments)
    if arguments.get("blueprint_uuid") is None:
        arguments.pop("blueprint_variables", None)
    if arguments.get("variables_wo") is not None:
        arguments.pop("variables", None)
    else:
        arguments.pop("variables_wo_version", None)
    return replace(declared, arguments=arguments)
