"""What the stack's state holds, asked of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from resourcekit import engine_program
from resourcekit.keys import Objects

_NAMES = ("pulumi",)


def objects_in(stack: str, instance: str | None) -> Objects | None:
    """Token and id of every resource in the state as it stands, those to be deleted included; None = cannot be told.

    instance: as of `resources_in`.
    """
    resources = resources_in(stack, instance)
    return None if resources is None else objects_of(resources)


def resources_in(stack: str, instance: str | None) -> list[Mapping[str, Any]] | None:
    """Every resource in the state, as the engine exports it; None = cannot be told.

    instance: the id of the provider that asks, which that state holds. A stack of the same name in another place, to
    which the name alone may lead, has another one. None: whoever asks has no instance, as a dynamic provider.
    """
    engine = engine_program.running(_NAMES) or engine_program.on_path(_NAMES)
    if engine is None:
        return None
    # The name that the user gave may lead where the bare one does not: `organization/project/stack`.
    given = [*engine.options("stack"), *engine.options("s")]
    for name in dict.fromkeys([*given, stack]):
        exported = engine.ask("stack", "export", "--stack", name, "--non-interactive")
        found = resources_of(exported, instance)
        if found is not None:
            return found
    return None


def resources_of(exported: Any, instance: str | None) -> list[Mapping[str, Any]] | None:
    """The resources of an exported stack; None where it does not hold the provider instance. Pure."""
    deployment = exported.get("deployment") if isinstance(exported, Mapping) else None
    if not isinstance(deployment, Mapping):
        return None
    resources = [each for each in deployment.get("resources") or [] if isinstance(each, Mapping)]
    is_ours = instance is None or any(
        kind.startswith("pulumi:providers:") and id_ == instance for kind, id_ in objects_of(resources)
    )
    return resources if is_ours else None


def objects_of(resources: Iterable[Mapping[str, Any]]) -> Objects:
    """Token and id of those that have one. Pure."""
    return frozenset((str(each.get("type")), str(each["id"])) for each in resources if each.get("id"))


def stack_of(urn: str) -> str:
    """The stack's name, the first part of a URN."""
    return urn.removeprefix("urn:pulumi:").split("::")[0]


def type_of(urn: str) -> str:
    """The resource's type: the last part of the third, which begins with its parents'."""
    return urn.split("::")[2].split("$")[-1]
