"""The function that the states of stacks refer to. Its module and its name must not change."""

from __future__ import annotations

from polykomos.package import package
from resourcekit.pulumi.dynamic.provider import DynamicProvider


def provider(resource: str) -> DynamicProvider:
    """Return the dynamic provider of a resource, by its declared name."""
    return DynamicProvider(provider, package, resource)
