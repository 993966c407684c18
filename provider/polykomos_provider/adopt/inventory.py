"""The objects at the service, from the lists of the declared resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resourcekit.context import Context
    from resourcekit.package import Package
    from resourcekit.resource import Resource


@dataclass(frozen=True)
class ResourceKind:
    """One kind of object."""

    name: str  # the name on the command line
    token: str  # Pulumi's type token
    type: str  # Terraform's type
    supports_list: bool  # whether the API can list the objects
    import_id: str  # the form of an import id, for people


@dataclass(frozen=True)
class ExistingObject:
    """One object."""

    kind: ResourceKind
    id: str
    label: str  # its name for people


def kinds(package: Package[Any]) -> tuple[ResourceKind, ...]:
    """Return every kind of the package, in its order."""
    return tuple(_kind(package, resource) for resource in package.resources)


def list_objects(package: Package[Any], ctx: Context[Any], names: Sequence[str]) -> Iterator[ExistingObject]:
    """Yield every object of some kinds, in a stable order.

    Raises:
        ResourceError: The API refused a request, or could not be reached.
    """
    from resourcekit.lifecycle import Lifecycle

    for resource in package.resources:
        kind = _kind(package, resource)
        if kind.name in names:
            listed = Lifecycle(package, resource).list(ctx)
            yield from sorted(
                (ExistingObject(kind, each.id, each.label) for each in listed), key=lambda each: (each.label, each.id)
            )


def _kind(package: Package[Any], resource: Resource[Any, Any, Any]) -> ResourceKind:
    from resourcekit.terraform_names import resource_type, to_snake

    return ResourceKind(
        to_snake(resource.name),
        f"{package.name}:index:{resource.name}",
        resource_type(package, resource),
        resource.supports_list,
        resource.import_id,
    )
