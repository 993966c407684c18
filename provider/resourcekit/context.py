"""What a resource's method is given beside its arguments."""

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
    """An object that exists at the API, as far as it is known; `state` is None until anything is."""

    id: str
    state: BaseModel


class Warn(Protocol):
    """Shows a warning to the user."""

    def __call__(self, text: str, attribute: str = "") -> None:
        """Show it. attribute: the declared name of the argument that the warning is about; empty: the whole object."""


def with_attribute(text: str, attribute: str) -> str:
    """Return a warning that names the argument it is about."""
    return f"`{attribute}`: {text}" if attribute else text


def _silent(text: str, attribute: str = "") -> None:
    """Say nothing: the engine offered no place to speak."""


@dataclass
class Context(Generic[ApiT]):
    """One operation's surroundings.

    api: the vendor's client.
    deadline: `time.monotonic()` seconds after which waiting ends.
    cancel: set when the user wants to stop; every wait must watch it.
    progress: shows a short text in the resource's row, replaced by the next one.
    info, warn: a line that stays. A warning may name the argument that it is about.
    keys: for the creation, where the API knows idempotency keys.
    null_entries: of a creation: its maps that hold null entries, as the program gives them. They are left out of the
    arguments; a run of release 0.1.0 sent them (docs/decisions/0014-keys.md).
    moving: while planning, what the same run is going to do to other objects.
    account: the account (`Package.account`) that the object's state records; None for a create, an import, and a state
    of a release that recorded none.
    ledger: of the run: which objects belong to whom, and what the engine's state holds.
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
        """Keep what exists by now: should the rest fail, the engine still learns the id and this state."""
        self.checkpointed = Checkpoint(id, state)

    def discard_checkpoint(self) -> None:
        """Record that nothing of the object is left: should the rest fail, the engine stores nothing."""
        self.checkpointed = None

    def remaining(self) -> float:
        """Seconds left until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())
