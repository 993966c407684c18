"""Terraform configuration as text: blocks of arguments, whose values are JSON or expressions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expression:
    """Text that stands in the configuration as it is, such as a reference."""

    text: str


@dataclass(frozen=True)
class Declared:
    """One resource block. lifecycle: the lines of its `lifecycle` block. An argument of None is left out."""

    type: str
    label: str
    arguments: Mapping[str, Any]
    lifecycle: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The resource's address."""
        return f"{self.type}.{self.label}"

    def __str__(self) -> str:
        lines = [f"  {name} = {_value(value)}" for name, value in self.arguments.items() if value is not None]
        if self.lifecycle:
            lines.append("  lifecycle {\n" + "".join(f"    {line}\n" for line in self.lifecycle) + "  }")
        return f'resource "{self.type}" "{self.label}" {{\n' + "\n".join(lines) + "\n}\n"


def module(resources: Iterable[Declared]) -> str:
    """The text of a module."""
    return "\n".join(map(str, resources))


def _value(value: Any) -> str:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return "null" if value is None else json.dumps(value)
