"""Which resources of a stack depend on which. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from resourcekit.pulumi.stack_export import StackEntry


class DependencyGraph:
    """The resources of a state by URN, those that wait for their deletion left out."""

    def __init__(self, resources: Iterable[StackEntry]) -> None:
        self.entries = {str(each.get("urn")): each for each in resources if not each.get("delete")}
        self._children: dict[str, list[str]] = {}
        self._dependents: dict[str, list[str]] = {}
        for urn, entry in self.entries.items():
            self._children.setdefault(str(entry.get("parent") or ""), []).append(urn)
        self._needs = {urn: self._needed(entry) for urn, entry in self.entries.items()}
        for urn, needed in self._needs.items():
            for each in needed:
                self._dependents.setdefault(each, []).append(urn)

    def dependencies_of(self, urn: str) -> set[str]:
        """Return what a resource depends on, at any depth."""
        return _reached(urn, lambda each: self._needs.get(each, ()))

    def dependents_of(self, urn: str) -> set[str]:
        """Return what depends on a resource, at any depth."""
        return _reached(urn, lambda each: self._dependents.get(each, ()))

    def _needed(self, entry: StackEntry) -> set[str]:
        by_property: Mapping[str, Any] = entry.get("propertyDependencies") or {}
        named = {
            *(entry.get("dependencies") or ()),
            *(urn for urns in by_property.values() for urn in urns or ()),
            *([entry["deletedWith"]] if entry.get("deletedWith") else ()),
        }
        # To depend on a component is to depend on what it is made of. Its own children do not depend on each other.
        parts = {part for urn in named for part in _reached(urn, lambda each: self._children.get(each, ()))}
        parent = {entry["parent"]} if entry.get("parent") else set()
        return {*map(str, named), *parts, *map(str, parent)}


def _reached(start: str, step: Callable[[str], Iterable[str]]) -> set[str]:
    """All that is reached from `start`, itself left out."""
    found: set[str] = set()
    waiting = list(step(start))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(step(each))
    return found - {start}
