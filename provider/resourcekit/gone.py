"""Check that an object that the API does not find was deleted (docs/decisions/0098-absent-objects.md).

A service may answer 404 for an object of another account too. If its API does not say whose account a key is of, the
other objects in the engine's state show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from resourcekit.context import Context
from resourcekit.errors import ResourceError


@dataclass(frozen=True)
class AbsentObject:
    """An object that the API did not find.

    Attributes:
        package: The package's name.
        resource: The resource's name, as its declaration has it.
        noun: The object in messages.
        id: Its id.
    """

    package: str
    resource: str
    noun: str
    id: str


def confirm_gone(absent: AbsentObject, visible: Callable[[], Iterable[str]], ctx: Context[Any]) -> None:
    """Check that the key would see the object, because it sees another one of the engine's state.

    An object that an earlier call of this run found counts without another call. If the state has no other object of
    this resource or cannot be read, the object counts as deleted, with a warning.

    Args:
        absent: The object.
        visible: Returns the ids of the resource's objects that the key may list.
        ctx: The context of the operation.

    Raises:
        ResourceError: The key sees none of the other objects in the state.
    """
    if absent.resource in ctx.ownership.found:
        return
    what = f"{absent.noun} {absent.id} cannot be found with this API key"
    others = {id_ for kind, id_ in ctx.ownership.in_state() or () if _is_of(absent, kind)} - {absent.id}
    if not others:
        ctx.warn(
            f"{what}, so the provider treats it as deleted. If the key belongs to another account, do not apply this "
            "plan; set the right key first"
        )
    elif others.isdisjoint(visible()):
        raise ResourceError(
            f"{what}, nor can any other {absent.noun} in the state, so the key most likely belongs to another account. "
            "The state was not changed. Set the API key of the account that the objects belong to. If they were "
            "deleted, remove them from the state (`pulumi state delete`, `terraform state rm`, `tofu state rm`)"
        )


def _is_of(absent: AbsentObject, kind: str) -> bool:
    """Return whether an engine's type is that of the object's resource, in Pulumi's or in Terraform's spelling."""
    package, separator, name = kind.rpartition(":") if ":" in kind else kind.partition("_")
    is_package = package.partition(":")[0] == absent.package
    return bool(separator) and is_package and name.replace("_", "").lower() == absent.resource.lower()
