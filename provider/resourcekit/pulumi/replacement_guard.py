"""Reject the replacement of a protected object that the engine forces.

The engine forces one for `--target-replace`, `replaceOnChanges`, another provider, or a taint. It calls no Diff, or
ignores the result: the provider receives only the new object's Create and then the old object's Delete. To reject that
Delete is too late: the new object exists, and the old one stays in the state as pending deletion. So the Create must
already check the protection (docs/decisions/0005-deletion-protection.md).
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
    "Another object has replaced it in the program, so only the state can be changed: run `pulumi stack export --file "
    'stack.json`; in its entry with `"delete": true`, set the property to false to have the object deleted, or remove '
    "the entry to leave the object unmanaged; then run `pulumi stack import --file stack.json`"
)


class ReplacementGuard:
    """Checks the Creates and Deletes of one run against the objects that the stack has under the same URNs."""

    def __init__(self, stack: StackExport) -> None:
        self._stack = stack
        self._objects: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def record(self, urn: str, id: str, state: Mapping[str, Any]) -> None:
        """Record the object of a URN: the engine has called Diff for it, or has created it."""
        self._objects[urn] = (id, state)

    def id_of(self, urn: str) -> str:
        """Return the id of the object of a URN, as far as this run knows it; empty if it does not."""
        return self._objects.get(urn, ("", {}))[0]

    def check_delete(self, lifecycle: Lifecycle, urn: str, id: str, state: Mapping[str, Any]) -> None:
        """Check that a Delete is not of a protected object whose URN now belongs to its replacement.

        The program can no longer turn off the protection of such an object.

        Raises:
            ResourceError: It is.
        """
        current = self._objects.get(urn)
        reason = lifecycle.deletion_blocked_reason(state)
        if current is not None and current[0] != id and reason:
            raise ResourceError(f"cannot delete: {reason}. {_TOO_LATE}")

    def check_create(self, lifecycle: Lifecycle, urn: str, args: Mapping[str, Any], ctx: Context[Any]) -> None:
        """Check that a Create would not replace a protected object.

        The state is read only if the new object is protected as well. An object that is gone from the API may be
        created again, regardless of the state.

        Raises:
            ResourceError: The Create would replace a protected object.
        """
        current = self._objects.get(urn)
        if current is None and lifecycle.deletion_blocked_reason(lifecycle.hypothetical_state(args)):
            current = self._in_state(lifecycle, urn)
        if current is None:
            return
        id_, state = current
        reason = lifecycle.deletion_blocked_reason(state)
        if reason and lifecycle.read(id_, {}, {}, ctx) is not None:
            raise ResourceError(f"cannot replace: {reason}")

    def _in_state(self, lifecycle: Lifecycle, urn: str) -> tuple[str, Mapping[str, Any]] | None:
        state = self._stack.state()
        entries = () if state is None else state.resources
        entry = next((each for each in entries if each.get("urn") == urn and not each.get("delete")), None)
        if entry is None or not entry.get("id"):
            return None
        return str(entry["id"]), read_entry(lifecycle.resource, entry)
