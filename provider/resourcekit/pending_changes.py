"""The changes that a run has planned so far.

An engine plans a dependency before its dependents. So the plan of an object can take the planned changes of its
dependencies into account, which the API does not show yet.
"""

from __future__ import annotations

from collections.abc import Iterable


class PendingChanges:
    """The planned changes of a run. Adapters record them, from many threads; resources read them."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], frozenset[str]] = {}

    def record(self, resource: str, id: str, fields: Iterable[str] = ()) -> None:
        """Record the fields of an object's state that are going to change.

        Without fields, no change is planned, or it is applied already.
        """
        self._fields[resource, id] = frozenset(fields)

    def changed_fields(self, resource: str, id: str) -> frozenset[str]:
        """Return the fields of the object that are going to change."""
        return self._fields.get((resource, id), frozenset())
