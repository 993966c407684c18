"""Idempotency keys of creations, foreseeable where they can be: then the next run finds what a killed one has made.

An API that knows such keys answers a repeated call with the first one's object. So the same object of the same program
must come to the same key in every run, and no other object ever; what the answer names must be no other's yet.
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
    """Which objects belong to whom in this process; and, asked once, which ones the engine's state holds.

    ask: the objects in the state, by kind and id; None where that cannot be found out. Slow, hence only when needed.
    """

    def __init__(self, ask: Callable[[], ResourceRefs | None]) -> None:
        self._ask = ask
        self._asked = False
        self._in_state: ResourceRefs | None = None
        self._told: set[tuple[str, str]] = set()
        self._taken: set[tuple[str, str]] = set()
        self._turns: dict[str, threading.Lock] = {}
        self._generations: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()
        # The resources (by their declared names) of which this run has found objects that the engine's state holds.
        self.found: set[str] = set()

    def record_seen(self, kind: str, id: str) -> None:
        """The engine spoke of this object: its state holds it, or did when the run began."""
        if id:
            self._told.add((kind, id))

    def claim(self, kind: str, id: str) -> None:
        """The object was made or taken over by this process."""
        self._taken.add((kind, id))

    @property
    def seen(self) -> ResourceRefs:
        """The objects that the engine spoke of."""
        return frozenset(self._told.copy())

    def is_known(self, kind: str, id: str) -> bool:
        """Whether it is known to be somebody's without asking anyone."""
        found = (kind, id)
        return found in self._told or found in self._taken or found in (self._in_state or ())

    def is_owned(self, kind: str, id: str) -> bool | None:
        """Whether it is somebody's; None = cannot be told."""
        if self.is_known(kind, id):
            return True
        in_state = self.in_state()
        return None if in_state is None else (kind, id) in in_state

    def in_state(self) -> ResourceRefs | None:
        """Return the objects in the engine's state, asked once; None where that cannot be found out."""
        with self._lock:
            if not self._asked:
                self._in_state, self._asked = self._ask(), True
        return self._in_state

    @contextlib.contextmanager
    def lock(self, seed: str) -> Iterator[None]:
        """One at a time of those with the same seed."""
        with self._lock:
            turn = self._turns.setdefault(seed, threading.Lock())
        with turn:
            yield

    def next_generation(self, of: tuple[str, ...]) -> int:
        """The first one that this process has not used up."""
        return self._generations.get(of, 0)

    def mark_used(self, of: tuple[str, ...], generation: int) -> None:
        """Note that this generation and those before it are used up."""
        self._generations[of] = generation + 1


@dataclass(frozen=True)
class IdempotencyKeys:
    """The keys of one object's creation.

    seed: what names the object in every run. None: no run but this one can know the keys. alone: no other object has
    the same seed, so that nobody waits for this one's turn. other_seeds: what may have named it in earlier runs.
    """

    kind: str = ""
    seed: str | None = None
    ownership: OwnershipRegistry = field(default_factory=lambda: OwnershipRegistry(lambda: None))
    exclusive: bool = True
    other_seeds: tuple[str, ...] = ()

    @property
    def others(self) -> list[IdempotencyKeys]:
        """The keys that an earlier run may have used instead."""
        return [replace(self, seed=seed, other_seeds=()) for seed in self.other_seeds]

    @property
    def deterministic(self) -> bool:
        """Whether an earlier run may have used them."""
        return self.seed is not None

    @property
    def may_block(self) -> bool:
        """Whether a creation may take its time: a later run would find the object, and nobody waits for this one."""
        return self.deterministic and self.exclusive

    def create_key(self, generation: int, *facts: str) -> str:
        """A UUID: of the object's `generation`-th incarnation. facts: what else makes it another object.

        It is a hash, so it tells nothing of what it is made of.
        """
        if self.seed is None:
            return str(uuid.uuid4())
        parts = (self.seed, self.kind, "create", str(generation), *facts)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this while looking for whose an object is."""
        if self.seed is None:
            yield
        else:
            with self.ownership.lock(self.seed):
                yield

    def next_generation(self, *facts: str) -> int:
        """Where to begin: what came before is another's, or gone, as this process has found."""
        return 0 if self.seed is None else self.ownership.next_generation((self.seed, self.kind, *facts))

    def claim(self, id: str, generation: int, *facts: str) -> None:
        """The object of this generation is this one's now."""
        self.ownership.claim(self.kind, id)
        if self.seed is not None:
            self.ownership.mark_used((self.seed, self.kind, *facts), generation)

    def is_known(self, id: str) -> bool:
        """As `is_taken`, without asking the engine: false where it would have to be asked."""
        return self.ownership.is_known(self.kind, id)

    def is_taken(self, id: str) -> bool | None:
        """Whether the object is another's, or this one's of before; None = cannot be told."""
        return self.ownership.is_owned(self.kind, id)
