"""What the stack's state holds, asked of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resourcekit import engine_program


def objects_in(stack: str) -> frozenset[tuple[str, str]] | None:
    """Token and id of every resource in the state as it stands, those to be deleted included; None = cannot be told."""
    resources = resources_in(stack)
    if resources is None:
        return None
    return frozenset((str(each.get("type")), str(each.get("id"))) for each in resources if each.get("id"))


def resources_in(stack: str) -> list[Mapping[str, Any]] | None:
    """Every resource in the state, as the engine exports it; None = cannot be told."""
    exported = engine_program.ask(("pulumi",), "stack", "export", "--stack", stack, "--non-interactive")
    if not isinstance(exported, dict) or not isinstance(exported.get("deployment"), dict):
        return None
    return list(exported["deployment"].get("resources") or [])


def stack_of(urn: str) -> str:
    """The stack's name, the first part of a URN."""
    return urn.removeprefix("urn:pulumi:").split("::")[0]
