"""What a run's plans have made unknown so far.

Engines plan what is depended on first. So the plan of one object may ask what the same run does to another one, whose
change the API does not show yet.
"""

from __future__ import annotations

from collections.abc import Iterable


class PendingChanges:
    """Noted by the adapters, from many threads; asked by resources."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], frozenset[str]] = {}

    def record(self, resource: str, id: str, fields: Iterable[str] = ()) -> None:
        """An object is planned to change in these fields of its state; none: it is not, or the change has been made.

        resource: its declaration's name.
        """
        self._fields[resource, id] = frozenset(fields)

    def changed_fields(self, resource: str, id: str) -> frozenset[str]:
        """The fields of the object that are going to change."""
        return self._fields.get((resource, id), frozenset())
