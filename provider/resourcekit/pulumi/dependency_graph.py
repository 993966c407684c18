"""The dependencies between the resources of a stack. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from resourcekit.pulumi.stack_export import StackEntry


class DependencyGraph:
    """The resources of a state by URN, without those that are pending deletion."""

    def __init__(self, resources: Iterable[StackEntry]) -> None:
        self.entries = {str(each.get("urn")): each for each in resources if not each.get("delete")}
        self._children: dict[str, list[str]] = {}
        self._dependents: dict[str, list[str]] = {}
        for urn, entry in self.entries.items():
            self._children.setdefault(str(entry.get("parent") or ""), []).append(urn)
        self._dependencies = {urn: self._direct_dependencies(entry) for urn, entry in self.entries.items()}
        for urn, dependencies in self._dependencies.items():
            for each in dependencies:
                self._dependents.setdefault(each, []).append(urn)

    def dependencies_of(self, urn: str) -> set[str]:
        """Return the resources that a resource depends on, at any depth."""
        return _reachable(urn, lambda each: self._dependencies.get(each, ()))

    def dependents_of(self, urn: str) -> set[str]:
        """Return the resources that depend on a resource, at any depth."""
        return _reachable(urn, lambda each: self._dependents.get(each, ()))

    def _direct_dependencies(self, entry: StackEntry) -> set[str]:
        by_property: Mapping[str, Any] = entry.get("propertyDependencies") or {}
        named = {
            *(entry.get("dependencies") or ()),
            *(urn for urns in by_property.values() for urn in urns or ()),
            *([entry["deletedWith"]] if entry.get("deletedWith") else ()),
        }
        # A dependent of a component depends on its children. The children do not depend on each other.
        parts = {part for urn in named for part in _reachable(urn, lambda each: self._children.get(each, ()))}
        parent = {entry["parent"]} if entry.get("parent") else set()
        return {*map(str, named), *parts, *map(str, parent)}


def _reachable(start: str, neighbors: Callable[[str], Iterable[str]]) -> set[str]:
    """Return all that can be reached from `start`, without `start`."""
    visited: set[str] = set()
    pending = list(neighbors(start))
    while pending:
        urn = pending.pop()
        if urn not in visited:
            visited.add(urn)
            pending.extend(neighbors(urn))
    return visited - {start}
