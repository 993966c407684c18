"""The context that a resource's method receives in addition to its arguments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry
from resourcekit.pending_changes import PendingChanges

ApiT = TypeVar("ApiT")


@dataclass(frozen=True)
class Checkpoint:
    """The id and the state of an object that exists at the API while its operation still runs."""

    id: str
    state: BaseModel


class Warn(Protocol):
    """Shows a warning to the user."""

    def __call__(self, text: str, attribute: str = "") -> None:
        """Show the warning.

        An attribute is the declared name of the argument that it is about; empty: the whole object.
        """


def with_attribute(text: str, attribute: str) -> str:
    """Return the text with the argument's name in front, if the warning is about one argument."""
    return f"`{attribute}`: {text}" if attribute else text


def _silent(text: str, attribute: str = "") -> None:
    """Drop the text: the engine has no channel for it."""


@dataclass
class Context(Generic[ApiT]):
    """The context of one operation.

    Attributes:
        api: The vendor's client.
        deadline: The end of all waiting, in seconds of `time.monotonic()`.
        cancel: Set when the user stops the run. Every wait must watch it.
        progress: Show a short text in the resource's row. The next text replaces it.
        info: Print a line.
        warn: Print a warning. It may name the argument that it is about.
        idempotency_keys: The keys for a create call, if the API supports idempotency keys.
        null_entries: For a create: the maps with null entries, as the program has them. The arguments are without the
            null entries, but release 0.1.0 sent them (docs/decisions/0014-keys.md).
        pending_changes: For a plan: the changes that the same run has planned for other objects.
        account: The account (`Package.account`) in the object's state. None for a create, for an import, and for a
            state of a release that recorded no account.
        ownership: The objects that this run and the engine's state own.
        checkpointed: The last checkpoint of the operation.
    """

    api: ApiT
    deadline: float
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: Callable[[str], None] = _silent
    info: Callable[[str], None] = _silent
    warn: Warn = _silent
    idempotency_keys: IdempotencyKeys = field(default_factory=IdempotencyKeys)
    null_entries: Mapping[str, Any] = field(default_factory=dict)
    pending_changes: PendingChanges = field(default_factory=PendingChanges)
    account: str | None = None
    ownership: OwnershipRegistry = field(default_factory=lambda: OwnershipRegistry(lambda: None))
    checkpointed: Checkpoint | None = field(default=None, init=False)

    def checkpoint(self, id: str, state: BaseModel) -> None:
        """Record that the object exists. If the operation fails later, the engine still stores this id and state."""
        self.checkpointed = Checkpoint(id, state)

    def discard_checkpoint(self) -> None:
        """Record that the object is gone. If the operation fails later, the engine stores nothing."""
        self.checkpointed = None

    def remaining(self) -> float:
        """Return the seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())
