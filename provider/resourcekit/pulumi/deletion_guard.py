"""Deletes that would empty the surroundings of a protected object before its own Delete is refused.

The engine deletes what depends on an object before it deletes the object, and previews no Delete. So each Delete looks
whether a protected object is to go in the same run (docs/decisions/0005-deletion-protection.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from resourcekit.errors import ResourceError
from resourcekit.pulumi import engine_command
from resourcekit.pulumi.dependency_graph import DependencyGraph
from resourcekit.pulumi.engine_command import EngineCommand
from resourcekit.pulumi.stack_export import DeploymentState, StackEntry, StackExport

Protection = Callable[[StackEntry], str | None]
_WAYS_OUT: Final = "To delete other resources alone, name them with `--target`"


@dataclass
class RunState:
    """What the engine has called in this run, by URN.

    Attributes:
        reference: Of the provider; empty for a dynamic one.
        checked: Those that the program declares.
        diffed: Those whose Diff was requested.
        replaced: Those whose Diff said that a new object is needed.
        unknown: The properties that were unknown in a Diff without a Check before. The engine requests such a Diff for
            each dependent of what it deletes before it replaces it; the properties that depend on that are unknown.
        null_entries: What Check left out (`Context.null_entries`).
    """

    reference: str = ""
    checked: set[str] = field(default_factory=set)
    diffed: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    unknown: dict[str, frozenset[str]] = field(default_factory=dict)
    null_entries: dict[str, dict[str, Any]] = field(default_factory=dict)


class DeletionGuard:
    """The Deletes of one run.

    Args:
        stack: Asked once, and once more before a Delete is refused.
        run: What has been called so far.
        protection: Why an entry of the state must stay, or None.
    """

    def __init__(self, stack: StackExport, run: RunState, protection: Protection) -> None:
        self._stack = stack
        self._run = run
        self._protection = protection

    def check_delete(self, urn: str) -> None:
        """Raise ResourceError when a protected object would lose this one."""
        plan = self._plan
        if plan is None or plan.refusal(self._run, urn) is None:
            return
        # That state may be from the beginning of the run, when a provider that has been replaced since stood in it.
        latest = self._stack.latest()
        reason = None if latest is None else DeletePlan(latest, self._command, self._protection).refusal(self._run, urn)
        if reason is not None:
            raise ResourceError(f"cannot delete: {reason}")

    @cached_property
    def _command(self) -> EngineCommand:
        return engine_command.parent_command()

    @cached_property
    def _plan(self) -> DeletePlan | None:
        state = self._stack.state()
        return None if state is None else DeletePlan(state, self._command, self._protection)


class DeletePlan:
    """What a command deletes of a state, as far as that follows from both. Pure."""

    def __init__(self, state: DeploymentState, running: EngineCommand, protection: Protection) -> None:
        self._graph = DependencyGraph(state.resources)
        self._command = running
        found = ((urn, protection(entry)) for urn, entry in self._graph.entries.items())
        self._protected = {urn: reason for urn, reason in found if reason is not None}

    @cached_property
    def _doomed(self) -> str | None:
        """The protection of an object that a `destroy` would delete; None where there is no such object."""
        return next((reason for urn, reason in self._protected.items() if self._is_reached(urn)), None)

    def refusal(self, run: RunState, urn: str) -> str | None:
        """Return why a resource must not be deleted, or None. Its own protection is not looked at."""
        running = self._command
        if not self._protected or urn not in self._graph.entries:
            return None  # in no program any more, or in another stack of the same name
        if running.is_destroy and self._doomed is not None:
            return f"{self._doomed}. This command would delete it, so it deletes nothing. {_WAYS_OUT}"
        if running.is_destroy and running.names(urn) and not running.with_dependents:
            return None
        needed = self._graph.dependencies_of(urn)
        for each, reason in self._protected.items():
            if each in needed and self._goes(each, run, urn):
                return f"it depends on an object that must stay: {reason}. {_WAYS_OUT}"
        return None

    def _goes(self, protected: str, run: RunState, urn: str) -> bool:
        """Return whether a protected object is to go in the run that deletes `urn`, which depends on it."""
        if self._command.is_destroy:
            return True
        if urn in run.checked:
            return False  # it is replaced itself
        if protected in run.checked:
            # It is declared. A Diff without a Check is what the engine makes of a dependent of what it replaces.
            return urn in run.diffed and self._is_replaced(protected, run)
        # What another provider's process has been called for is not known here.
        is_ours = not run.reference or self._graph.entries[protected].get("provider") == run.reference
        return is_ours and self._is_reached(protected)

    def _is_replaced(self, urn: str, run: RunState) -> bool:
        """Return whether the engine forces the replacement of a resource, as far as can be seen."""
        if self._command.replaces(urn) or self._graph.entries[urn].get("taint"):
            return True
        return any(urn in needed and run.replaced.isdisjoint(needed) for needed in self._needed_by_unknown(run))

    def _needed_by_unknown(self, run: RunState) -> Iterator[set[str]]:
        """What each property depends on that was unknown: one of these at least is replaced."""
        for urn, names in run.unknown.items():
            by_property = self._graph.entries.get(urn, {}).get("propertyDependencies") or {}
            yield from (set(by_property.get(name) or ()) for name in names)

    def _is_reached(self, urn: str) -> bool:
        """Return whether the command may touch a resource."""
        running = self._command
        if urn in self._spared:
            return False
        if not running.targets or running.names(urn):
            return True
        return running.with_dependents and any(running.names(each) for each in self._graph.dependencies_of(urn))

    @cached_property
    def _spared(self) -> set[str]:
        """What the command leaves alone, with what that depends on."""
        running, graph = self._command, self._graph
        left = {
            urn
            for urn, entry in graph.entries.items()
            if running.excludes_by_name(urn) or (running.spares_protected and entry.get("protect"))
        }
        if running.spares_dependents:
            left |= {each for urn in left for each in graph.dependents_of(urn)}
        return left | {each for urn in left for each in graph.dependencies_of(urn)}
