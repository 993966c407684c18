"""What the stack's state holds, asked of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resourcekit import engine_program
from resourcekit.pulumi.wire import SIGNATURE


@dataclass(frozen=True)
class Held:
    """A resource in the state. outputs: by property, those that are encrypted left out."""

    urn: str
    token: str
    id: str
    to_be_deleted: bool
    outputs: Mapping[str, Any]


def held_by(stack: str) -> list[Held] | None:
    """Every resource with an id in the state as it stands, those to be deleted included; None = cannot be told."""
    exported = engine_program.ask(("pulumi",), "stack", "export", "--stack", stack, "--non-interactive")
    if not isinstance(exported, dict) or not isinstance(exported.get("deployment"), dict):
        return None
    resources = exported["deployment"].get("resources") or []
    return [
        Held(
            urn=str(each.get("urn")),
            token=str(each.get("type")),
            id=str(each["id"]),
            to_be_deleted=bool(each.get("delete")),
            outputs={
                name: value
                for name, value in (each.get("outputs") or {}).items()
                if not (isinstance(value, dict) and SIGNATURE in value)
            },
        )
        for each in resources
        if each.get("id")
    ]


def objects_in(stack: str) -> frozenset[tuple[str, str]] | None:
    """Token and id of everything that `held_by` tells."""
    found = held_by(stack)
    return None if found is None else frozenset((each.token, each.id) for each in found)


def stack_of(urn: str) -> str:
    """The stack's name, the first part of a URN."""
    return urn.removeprefix("urn:pulumi:").split("::")[0]
