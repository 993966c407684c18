"""Replacements that the engine forces: `--target-replace`, `replaceOnChanges`, another provider, a taint.

The engine asks no Diff for them, or overrules it: all it tells is the new object's Create, and then the old one's
Delete. A Delete that is refused comes too late: the new object is there, and the stack wants to be rid of the old one
for ever. So what is protected has to be known when the Create comes (docs/decisions/0005-deletion-protection.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.pulumi.properties import read_entry
from resourcekit.pulumi.stack_export import StackExport

_TOO_LATE = (
    "As another one has taken its place in the program, that can be done in the state alone: `pulumi stack export "
    '--file stack.json`, in its entry with `"delete": true` set the property to false to let it go, or take the entry '
    "out to keep the object unmanaged, and `pulumi stack import --file stack.json`"
)


class ReplacementGuard:
    """What a stack holds under the URNs that are created."""

    def __init__(self, stack: StackExport) -> None:
        self._stack = stack
        self._told: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def record(self, urn: str, id: str, state: Mapping[str, Any]) -> None:
        """Remember whose the URN is: the engine asked for this object's Diff, or had it created."""
        self._told[urn] = (id, state)

    def check_delete(self, lifecycle: Lifecycle, urn: str, id: str, state: Mapping[str, Any]) -> None:
        """Raise ResourceError when a Delete is of a protected object whose URN is another's by now.

        No program can take its protection off any more.
        """
        held = self._told.get(urn)
        reason = lifecycle.deletion_blocked_reason(state)
        if held is not None and held[0] != id and reason:
            raise ResourceError(f"cannot delete: {reason}. {_TOO_LATE}")

    def check_create(self, lifecycle: Lifecycle, urn: str, args: Mapping[str, Any], ctx: Context[Any]) -> None:
        """Raise ResourceError when a Create would replace a protected object.

        The state is asked only where the new object is to be protected as well. An object that is gone from the API
        may be made again, whatever the state says.
        """
        held = self._told.get(urn)
        if held is None and lifecycle.deletion_blocked_reason(lifecycle.hypothetical_state(args)):
            held = self._in_state(lifecycle, urn)
        if held is None:
            return
        id_, state = held
        reason = lifecycle.deletion_blocked_reason(state)
        if reason and lifecycle.read(id_, {}, {}, ctx) is not None:
            raise ResourceError(f"cannot replace: {reason}")

    def _in_state(self, lifecycle: Lifecycle, urn: str) -> tuple[str, Mapping[str, Any]] | None:
        state = self._stack.state()
        entries = () if state is None else state.resources
        found = next((each for each in entries if each.get("urn") == urn and not each.get("delete")), None)
        if found is None or not found.get("id"):
            return None
        return str(found["id"]), read_entry(lifecycle.resource.state, found)
