"""Reject the deletion of resources that depend on a protected object, if the same run would delete that object too.

The engine deletes the dependents of an object before the object itself, and has no preview of Delete. So the dependents
would be gone by the time that the protected object's Delete is rejected. Each Delete therefore checks whether the run
would delete a protected object (docs/decisions/0005-deletion-protection.md).
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
from resourcekit.pulumi.stack_export import DeploymentState, StackEntry, StackExport, StateReadError

Protection = Callable[[StackEntry], str | None]
_REMEDY: Final = "To delete only other resources, name them with `--target`"
_UNREADABLE: Final = (
    ", so the provider cannot determine whether this command also deletes an object with deletion protection. The "
    "object was not deleted. Run the command again; if it fails again, run `pulumi stack export` in the directory of "
    "the program to see why"
)


@dataclass
class RunState:
    """The engine's calls in this run, by URN.

    Attributes:
        reference: The reference of the provider; empty for a dynamic one.
        checked: The resources that the program declares: those with a Check.
        diffed: The id of each resource with a Diff.
        replaced: The resources whose Diff required a replacement.
        unknown: The unknown properties of each Diff without a Check. The engine calls such a Diff for each dependent of
            a resource that it deletes before the replacement; the properties that depend on that resource are unknown.
        null_entries: The null entries that Check left out (`Context.null_entries`).
    """

    reference: str = ""
    checked: set[str] = field(default_factory=set)
    diffed: dict[str, str] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    unknown: dict[str, frozenset[str]] = field(default_factory=dict)
    null_entries: dict[str, dict[str, Any]] = field(default_factory=dict)


class DeletionGuard:
    """Checks the Deletes of one run.

    Args:
        stack: The stack. Its state is read once, and once more before a command other than `destroy` is rejected.
        run: The calls of the run so far.
        protection: Return why an entry of the state must not be deleted, or None.
    """

    def __init__(self, stack: StackExport, run: RunState, protection: Protection) -> None:
        self._stack = stack
        self._run = run
        self._protection = protection

    def check_delete(self, urn: str) -> None:
        """Check that a resource may be deleted.

        Raises:
            ResourceError: The resource depends on a protected object that this run would delete as well, or the engine
                cannot export the state that shows this.
        """
        reason = None if self._plan is None else self._plan.refusal(self._run, urn)
        if reason is not None and not self._command.is_destroy:
            # The state may be of the beginning of the run, and contain a provider that has been replaced since.
            latest = self._stack.latest()
            if latest is not None:
                reason = DeletePlan(latest, self._command, self._protection).refusal(self._run, urn)
        if reason is not None:
            raise ResourceError(f"cannot delete: {reason}")

    @cached_property
    def _command(self) -> EngineCommand:
        return engine_command.parent_command()

    @cached_property
    def _plan(self) -> DeletePlan | None:
        try:
            state = self._stack.known_state()
        except StateReadError as error:
            raise ResourceError(f"cannot delete: {error}{_UNREADABLE}") from None
        return None if state is None else DeletePlan(state, self._command, self._protection)


class DeletePlan:
    """The resources that a command deletes, as far as the command line and the state determine them. Pure."""

    def __init__(self, state: DeploymentState, command: EngineCommand, protection: Protection) -> None:
        self._graph = DependencyGraph(state.resources)
        self._command = command
        reasons = ((urn, protection(entry)) for urn, entry in self._graph.entries.items())
        self._protected = {urn: reason for urn, reason in reasons if reason is not None}

    @cached_property
    def _doomed(self) -> str | None:
        """Why a protected object must stay that a `destroy` would delete; None if there is no such object."""
        return next((reason for urn, reason in self._protected.items() if self._is_reached(urn)), None)

    def refusal(self, run: RunState, urn: str) -> str | None:
        """Return why a resource must not be deleted, or None. The resource's own protection is not considered."""
        command = self._command
        if not self._protected or urn not in self._graph.entries:
            return None  # the state is that of another stack of the same name, or the resource is no longer in it
        if command.is_destroy and self._doomed is not None:
            return f"{self._doomed}. This command would delete it, so it deletes nothing. {_REMEDY}"
        if command.is_destroy and command.names(urn) and not command.with_dependents:
            return None
        dependencies = self._graph.dependencies_of(urn)
        for protected, reason in self._protected.items():
            if protected in dependencies and self._is_deleted(protected, run, urn):
                return f"it depends on an object that must stay: {reason}. {_REMEDY}"
        return None

    def _is_deleted(self, protected: str, run: RunState, urn: str) -> bool:
        """Return whether the run that deletes `urn` would also delete a protected object that `urn` depends on."""
        if self._command.is_destroy:
            return True
        if urn in run.checked:
            return False  # `urn` itself is replaced
        if protected in run.checked:
            # The program declares it. The engine calls a Diff without a Check for the dependents of a replacement.
            return urn in run.diffed and self._is_replaced(protected, run)
        # The calls to another provider's process are not known here.
        has_same_provider = not run.reference or self._graph.entries[protected].get("provider") == run.reference
        return has_same_provider and self._is_reached(protected)

    def _is_replaced(self, urn: str, run: RunState) -> bool:
        """Return whether the engine forces the replacement of a resource, as far as this process can determine."""
        if self._command.replaces(urn) or self._graph.entries[urn].get("taint"):
            return True
        return any(urn in urns and run.replaced.isdisjoint(urns) for urns in self._dependencies_of_unknown(run))

    def _dependencies_of_unknown(self, run: RunState) -> Iterator[set[str]]:
        """Yield the dependencies of each unknown property. At least one of them is replaced."""
        for urn, names in run.unknown.items():
            by_property = self._graph.entries.get(urn, {}).get("propertyDependencies") or {}
            yield from (set(by_property.get(name) or ()) for name in names)

    def _is_reached(self, urn: str) -> bool:
        """Return whether the command may change a resource."""
        command = self._command
        if urn in self._spared:
            return False
        if not command.targets or command.names(urn):
            return True
        return command.with_dependents and any(command.names(each) for each in self._graph.dependencies_of(urn))

    @cached_property
    def _spared(self) -> set[str]:
        """The resources that the command excludes, with their dependencies."""
        command, graph = self._command, self._graph
        excluded = {
            urn
            for urn, entry in graph.entries.items()
            if command.excludes_by_name(urn) or (command.spares_protected and entry.get("protect"))
        }
        if command.spares_dependents:
            excluded |= {each for urn in excluded for each in graph.dependents_of(urn)}
        return excluded | {each for urn in excluded for each in graph.dependencies_of(urn)}
