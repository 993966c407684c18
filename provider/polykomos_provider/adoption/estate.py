"""What exists at the service, by the listings of the declared resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resourcekit.context import Context
    from resourcekit.package import Package
    from resourcekit.resource import Resource


@dataclass(frozen=True)
class Kind:
    """One kind of object. name: as users write it; token and type: as Pulumi and Terraform call it."""

    name: str
    token: str
    type: str
    listable: bool
    import_id: str


@dataclass(frozen=True)
class Found:
    """One object. label: its name for people."""

    kind: Kind
    id: str
    label: str


def kinds(package: Package[Any]) -> tuple[Kind, ...]:
    """Every kind of the package, in its order."""
    return tuple(_kind(package, resource) for resource in package.resources)


def estate(package: Package[Any], ctx: Context[Any], names: Sequence[str]) -> Iterator[Found]:
    """Every object of the kinds called `names`, in an order that stays. Raises ResourceError."""
    from resourcekit.lifecycle import Lifecycle

    for resource in package.resources:
        kind = _kind(package, resource)
        if kind.name in names:
            listed = Lifecycle(package, resource).listing(ctx)
            yield from sorted((Found(kind, each.id, each.label) for each in listed), key=lambda f: (f.label, f.id))


def _kind(package: Package[Any], resource: Resource[Any, Any, Any]) -> Kind:
    from resourcekit.terraform.names import resource_type, snake

    return Kind(
        snake(resource.name),
        f"{package.name}:index:{resource.name}",
        resource_type(package, resource),
        resource.listable,
        resource.import_id,
    )
