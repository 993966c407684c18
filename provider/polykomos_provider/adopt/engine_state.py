"""The objects that a stack or a workspace manages already, from its engine's own export."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polykomos_provider.adopt.inventory import ExistingObject, ResourceKind


@dataclass(frozen=True)
class ManagedObjects:
    """The objects that a stack or a workspace manages."""

    objects: frozenset[tuple[str, str]] = frozenset()  # the engine's type and the id of each object
    names: frozenset[str] = frozenset()  # the names in use
    # The accounts that the objects of this provider belong to, as far as the state records them.
    accounts: frozenset[str] = frozenset()


def from_stack_export(export: Mapping[str, Any] | None) -> ManagedObjects:
    """Return the managed objects in the output of `pulumi stack export`."""
    from resourcekit.pulumi.stack_export import parse_export

    state = parse_export(export, None)
    return (
        ManagedObjects()
        if state is None
        else ManagedObjects(state.resource_refs, state.names, state.accounts("polykomos"))
    )


def from_state_pull(state: Mapping[str, Any] | None) -> ManagedObjects:
    """Return the managed objects in the output of `terraform state pull`.

    The names are those of the root module, as `type.name`.
    """
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
    """Return the account in an instance's private state (Base64); empty if there is none."""
    from resourcekit.terraform.private_state import account_in

    try:
        return account_in(base64.b64decode(private, validate=True))
    except ValueError:
        return ""


def of_another_account(
    managed: ManagedObjects, existing: Iterable[ExistingObject], account: str | None, kinds: Iterable[ResourceKind]
) -> bool:
    """Return whether the managed objects belong to another account than the objects at the service.

    `existing` are all objects of these kinds that the key may list; the account is None if the service does not report
    it.
    """
    if account is None or account in managed.accounts:
        return False
    objects = list(existing)
    if len(unmanaged(objects, managed)) < len(objects):
        return False  # the key can list managed objects, as the key of a colleague can
    names = {name for kind in kinds for name in (kind.token, kind.type)}
    # The state of a release that recorded no account may have objects that the key cannot list. They most likely
    # belong to another account.
    return bool(managed.accounts) or any(name in names for name, _ in managed.objects)


def unmanaged(existing: Iterable[ExistingObject], managed: ManagedObjects) -> list[ExistingObject]:
    """Return the objects that are not managed yet."""
    return [each for each in existing if not managed.objects & {(each.kind.token, each.id), (each.kind.type, each.id)}]
