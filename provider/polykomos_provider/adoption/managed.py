"""What a stack or a workspace holds already, from its engine's own export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polykomos_provider.adoption.estate import Found


@dataclass(frozen=True)
class Managed:
    """objects: (the engine's name of the kind, id) of each. names: what no other may be called."""

    objects: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()


def in_stack(export: Mapping[str, Any] | None) -> Managed:
    """From `pulumi stack export`."""
    resources = ((export or {}).get("deployment") or {}).get("resources") or []
    return Managed(
        frozenset((each["type"], str(each["id"])) for each in resources if each.get("id")),
        frozenset(each["urn"].rpartition("::")[2] for each in resources),
    )


def in_workspace(state: Mapping[str, Any] | None) -> Managed:
    """From `terraform state pull`. Names are those of the root module, `type.name`."""
    resources = [each for each in (state or {}).get("resources") or [] if each.get("mode") == "managed"]
    return Managed(
        frozenset(
            (each["type"], str(instance["attributes"]["id"]))
            for each in resources
            for instance in each.get("instances") or []
            if (instance.get("attributes") or {}).get("id") is not None
        ),
        frozenset(f"{each['type']}.{each['name']}" for each in resources if not each.get("module")),
    )


def left_over(found: Iterable[Found], managed: Managed) -> list[Found]:
    """What is not held yet."""
    return [each for each in found if not managed.objects & {(each.kind.token, each.id), (each.kind.type, each.id)}]
