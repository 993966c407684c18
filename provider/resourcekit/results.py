"""The results of a lifecycle's operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resourcekit.planning.diff import Diff

Values = dict[str, Any]


@dataclass(frozen=True)
class ApplyResult:
    """The object after a create or an update.

    Attributes:
        id: The object's id.
        state: The object's state.
        incomplete_reason: Why the object is not complete; empty: it is.
        cancelled: Whether the user stopped the operation.
        account: The account to record (`Package.account`); None if it is not known.
    """

    id: str
    state: Values
    incomplete_reason: str = ""
    cancelled: bool = False
    account: str | None = None


@dataclass(frozen=True)
class ReadResult:
    """The object that a read returned.

    Attributes:
        id: The object's id.
        state: The object's state.
        inputs: The arguments that the state corresponds to.
        account: The account to record (`Package.account`); None if it is not known.
    """

    id: str
    state: Values
    inputs: Values
    account: str | None = None


@dataclass(frozen=True)
class ChangePlan:
    """The decision between update and replacement.

    Attributes:
        difference: The arguments that differ.
        replacement_triggers: State fields that require a new object although no argument differs.
    """

    difference: Diff
    replacement_triggers: tuple[str, ...] = ()

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
