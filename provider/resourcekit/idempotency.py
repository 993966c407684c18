"""Idempotency keys for create calls.

Where possible a key is deterministic, so that a run after a crash finds the object that the crashed run created. To a
repeated call with the same key, the API returns the object of the first call. So a key must be stable across runs and
unique per resource, and the object that the API returns must not belong to another resource.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

ResourceRefs = frozenset[tuple[str, str]]


class OwnershipRegistry:
    """Tracks the objects that this process and the engine's state own. Reads the state at most once, on first use.

    Args:
        read_state: Return the kind and the id of every object in the state, or None if the state cannot be read. Slow.
    """

    def __init__(self, read_state: Callable[[], ResourceRefs | None]) -> None:
        self._read_state = read_state
        self._is_read = False
        self._in_state: ResourceRefs | None = None
        self._seen: set[tuple[str, str]] = set()
        self._claimed: set[tuple[str, str]] = set()
        self._deleted: set[tuple[str, str]] = set()
        self._seed_locks: dict[str, threading.Lock] = {}
        self._generations: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()
        # The resources, by declared names, of which this run has read an object of the engine's state from the API.
        self.found: set[str] = set()

    def record_seen(self, kind: str, id: str) -> None:
        """Record an object that the engine named in a request: the state contains it, or did when the run began."""
        if id:
            self._seen.add((kind, id))

    def record_deleted(self, kind: str, id: str) -> None:
        """Record an object that this process deleted: the state may not contain it any more."""
        self._deleted.add((kind, id))

    def claim(self, kind: str, id: str) -> None:
        """Record an object that this process created or adopted."""
        self._claimed.add((kind, id))

    @property
    def seen(self) -> ResourceRefs:
        """The objects that the engine named in a request, without those that this process deleted."""
        return frozenset(self._seen.copy() - self._deleted.copy())

    def is_known(self, kind: str, id: str) -> bool:
        """Return whether the object is known to have an owner, without reading the state."""
        ref = (kind, id)
        return ref in self._seen or ref in self._claimed or ref in (self._in_state or ())

    def is_owned(self, kind: str, id: str) -> bool | None:
        """Return whether the object has an owner; None if that cannot be determined."""
        if self.is_known(kind, id):
            return True
        in_state = self.in_state()
        return None if in_state is None else (kind, id) in in_state

    def in_state(self) -> ResourceRefs | None:
        """Return the objects in the engine's state, read once; None if the state cannot be read."""
        with self._lock:
            if not self._is_read:
                self._in_state, self._is_read = self._read_state(), True
        return self._in_state

    @contextlib.contextmanager
    def lock(self, seed: str) -> Iterator[None]:
        """Hold the lock of a seed: one create call at a time may use its keys."""
        with self._lock:
            seed_lock = self._seed_locks.setdefault(seed, threading.Lock())
        with seed_lock:
            yield

    def next_generation(self, of: tuple[str, ...]) -> int:
        """Return the first generation that this process has not used."""
        return self._generations.get(of, 0)

    def mark_used(self, of: tuple[str, ...], generation: int) -> None:
        """Record that this generation and all before it are used."""
        self._generations[of] = generation + 1


@dataclass(frozen=True)
class IdempotencyKeys:
    """The keys for the create call of one object.

    Attributes:
        kind: The object's type.
        seed: The object's identity in every run. None: the keys are random, so no other run knows them.
        ownership: The objects that this run and the state own.
        exclusive: Whether no other object has the same seed, so that none waits for this object's create call.
        other_seeds: Identities that the object may have had in earlier runs.
        of_plan: Whether the seed belongs to one planned create, so that only a run of the same plan has it.
        replaced: The id of the object that the new one replaces; empty: none, or not known.
    """

    kind: str = ""
    seed: str | None = None
    ownership: OwnershipRegistry = field(default_factory=lambda: OwnershipRegistry(lambda: None))
    exclusive: bool = True
    other_seeds: tuple[str, ...] = ()
    of_plan: bool = False
    replaced: str = ""

    @property
    def others(self) -> list[IdempotencyKeys]:
        """The keys that an earlier run may have used instead."""
        return [replace(self, seed=seed, other_seeds=()) for seed in self.other_seeds]

    @property
    def deterministic(self) -> bool:
        """Whether an earlier run may have used the same keys."""
        return self.seed is not None

    @property
    def may_block(self) -> bool:
        """Whether the create call may wait: a later run would find the object, and no other create call waits."""
        return self.deterministic and self.exclusive

    def create_key(self, generation: int, *facts: str) -> str:
        """Return the key of an object's generation: a UUID, which is a hash and reveals nothing of its parts.

        `facts` is whatever else makes it another object.
        """
        if self.seed is None:
            return str(uuid.uuid4())
        parts = (self.seed, self.kind, "create", str(generation), *facts)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of the seed while determining the owner of an object."""
        if self.seed is None:
            yield
        else:
            with self.ownership.lock(self.seed):
                yield

    def next_generation(self, *facts: str) -> int:
        """Return the first generation that is not yet known to be deleted or owned by another resource."""
        return 0 if self.seed is None else self.ownership.next_generation((self.seed, self.kind, *facts))

    def claim(self, id: str, generation: int, *facts: str) -> None:
        """Record that this resource owns the object of this generation."""
        self.ownership.claim(self.kind, id)
        if self.seed is not None:
            self.ownership.mark_used((self.seed, self.kind, *facts), generation)

    def is_known(self, id: str) -> bool:
        """Return whether the object is known to have an owner, without reading the engine's state."""
        return self.ownership.is_known(self.kind, id)

    def is_taken(self, id: str) -> bool | None:
        """Return whether the object has an owner, possibly this resource; None if that cannot be determined."""
        return self.ownership.is_owned(self.kind, id)

    def is_taken_by_other(self, id: str) -> bool | None:
        """Return whether another resource owns the object that these keys created; None if that is unknown."""
        taken = self.is_taken(id)
        # The engine does not apply a plan again over a state that has an object of the plan.
        return False if taken is None and self.of_plan else taken
