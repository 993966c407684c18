"""What the operations of a lifecycle return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resourcekit.planning.diff import Diff

Values = dict[str, Any]


@dataclass(frozen=True)
class ApplyResult:
    """What exists after an operation.

    Attributes:
        id: The object's.
        state: What is there.
        unfinished: Why it is not complete; empty when it is.
        cancelled: Whether the user stopped the operation.
        account: The account to record (`Package.account`); None where it is not known.
    """

    id: str
    state: Values
    incomplete_reason: str = ""
    cancelled: bool = False
    account: str | None = None


@dataclass(frozen=True)
class ReadResult:
    """What a read found, the inputs that it stands for, and the account to record."""

    id: str
    state: Values
    inputs: Values
    account: str | None = None


@dataclass(frozen=True)
class ChangePlan:
    """How a change is made.

    Attributes:
        difference: The arguments that differ.
        replacement_triggers: State fields that need a new object although no argument differs.
    """

    difference: Diff
    replacement_triggers: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether a new object is made."""
        return self.difference.replaces or bool(self.replacement_triggers)


@dataclass(frozen=True)
class ListItem:
    """One object of a listing. label: its name for people."""

    id: str
    label: str
    state: Values
