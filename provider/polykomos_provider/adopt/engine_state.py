"""What a stack or a workspace holds already, from its engine's own export."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polykomos_provider.adopt.inventory import ExistingObject, ResourceKind


@dataclass(frozen=True)
class ManagedObjects:
    """objects: (the engine's name of the kind, id) of each. names: what no other may be called. accounts: those
    that the objects of this provider belong to, as far as the state records them.
    """

    objects: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


def from_stack_export(export: Mapping[str, Any] | None) -> ManagedObjects:
    """From `pulumi stack export`."""
    from resourcekit.pulumi.stack_export import parse_export

    state = parse_export(export, None)
    return (
        ManagedObjects()
        if state is None
        else ManagedObjects(state.resource_refs, state.names, state.accounts("polykomos"))
    )


def from_state_pull(state: Mapping[str, Any] | None) -> ManagedObjects:
    """From `terraform state pull`. Names are those of the root module, `type.name`."""
    from resourcekit.terraform.state_pull import managed_resources, parse_state

    resources = list(managed_resources(state))
    return ManagedObjects(
        parse_state(state or {}) or frozenset(),
        frozenset(f"{each.type}.{each.name}" for each in resources if not each.module),
        frozenset(
            account
            for each in resources
            if each.type.startswith("polykomos_")
            for instance in each.instances
            if (account := _account_of(instance.private))
        ),
    )


def _account_of(private: str) -> str:
    """Return the account in an instance's private state (Base64); empty where there is none."""
    from resourcekit.terraform.private_state import account_in

    try:
        return account_in(base64.b64decode(private, validate=True))
    except ValueError:
        return ""


def of_another_account(
    managed: ManagedObjects, found: Iterable[ExistingObject], account: str | None, kinds: Iterable[ResourceKind]
) -> bool:
    """Whether what is managed belongs to another account than what was found at the service.

    Args:
        managed: What the stack or workspace holds.
        found: All that the key may list of the kinds that are looked at.
        account: The key's; None where the service does not report it.
        kinds: Those that are looked at.
    """
    if account is None or account in managed.accounts:
        return False
    every = list(found)
    if len(unmanaged(every, managed)) < len(every):
        return False  # the key sees what is managed, as that of a colleague does
    names = {name for kind in kinds for name in (kind.token, kind.type)}
    # A state of a release that recorded no account may hold what the key does not see: that is most likely another's.
    return bool(managed.accounts) or any(name in names for name, _ in managed.objects)


def unmanaged(found: Iterable[ExistingObject], managed: ManagedObjects) -> list[ExistingObject]:
    """What is not held yet."""
    return [each for each in found if not managed.objects & {(each.kind.token, each.id), (each.kind.type, each.id)}]
