"""Check that an object that the API does not find was deleted (docs/decisions/0098-absent-objects.md).

A service may answer 404 for an object of another account too. If its API does not say whose account a key is of, the
other objects in the engine's state show it.
"""

from __future__ import annotations

from typing import Any

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.resource import Resource


def confirm_gone(package: str, resource: Resource[Any, Any, Any], id: str, ctx: Context[Any]) -> None:
    """Check that the key would see an object that the API did not find, because it sees another one of the state.

    An object that an earlier call of this run found counts without another call. If the state has no other object of
    this resource or cannot be read, the object counts as deleted, with a warning.

    Args:
        package: The package's name.
        resource: The resource, whose `list` yields what the key may see.
        id: The id of the object.
        ctx: The context of the operation.

    Raises:
        ResourceError: The key sees none of the other objects in the state.
    """
    if resource.name in ctx.ownership.found:
        return
    what = f"{resource.noun} {id} cannot be found with this API key"
    others = {id_ for kind, id_ in ctx.ownership.in_state() or () if _is_of(package, resource.name, kind)} - {id}
    if not others:
        ctx.warn(
            f"{what}, so the provider treats it as deleted. If the key belongs to another account, do not apply this "
            "plan; set the right key first"
        )
    elif others.isdisjoint(listed for listed, _, _ in resource.list(ctx)):
        raise ResourceError(
            f"{what}, nor can any other {resource.noun} in the state: the key most likely belongs to another account. "
            "The state was not changed. Set the API key of the account that the objects belong to. If they were "
            "deleted, remove them from the state (`pulumi state delete`, `terraform state rm`, `tofu state rm`)"
        )


def _is_of(package: str, resource: str, kind: str) -> bool:
    """Return whether an engine's type is that of a resource, in Pulumi's or in Terraform's spelling."""
    prefix, separator, name = kind.rpartition(":") if ":" in kind else kind.partition("_")
    is_of_package = bool(separator) and prefix.partition(":")[0] == package
    return is_of_package and name.replace("_", "").lower() == resource.lower()
