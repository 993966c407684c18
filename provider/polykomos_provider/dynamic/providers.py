"""What stacks' states refer to: it has to stay importable from here, by this name."""

from __future__ import annotations

from polykomos.package import package
from resourcekit.pulumi.dynamic.provider import DynamicProvider


def provider(resource: str) -> DynamicProvider:
    """The dynamic provider of a resource, by its declared name."""
    return DynamicProvider(provider, package, resource)
