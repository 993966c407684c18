"""The results of a lifecycle's operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resourcekit.planning.diff import Diff

Values = dict[str, Any]


@dataclass(frozen=True)
class ApplyResult:
    """The object after a create or an update."""

    id: str  # the object's id
    state: Values  # the object's state
    incomplete_reason: str = ""  # why the object is not complete; empty: it is
    cancelled: bool = False  # whether the user stopped the operation
    account: str | None = None  # the account to record (`Package.account`); None if it is not known


@dataclass(frozen=True)
class ReadResult:
    """The object that a read returned."""

    id: str  # the object's id
    state: Values  # the object's state
    inputs: Values  # the arguments that the state corresponds to
    account: str | None = None  # the account to record (`Package.account`); None if it is not known


@dataclass(frozen=True)
class ChangePlan:
    """The decision between update and replacement."""

    difference: Diff  # the arguments that differ
    replacement_triggers: tuple[str, ...] = ()  # state fields that require a new object although no argument differs

    @property
    def replaces(self) -> bool:
        """Whether the change replaces the object."""
        return self.difference.replaces or bool(self.replacement_triggers)


@dataclass(frozen=True)
class ListItem:
    """One object of a list. `label` is its name for users."""

    id: str
    label: str
    state: Values
