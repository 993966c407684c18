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
from dataclasses import dataclass, field


class Ledger:
    """Which objects belong to whom in this process; and, asked once, which ones the engine's state holds.

    ask: the ids in the state by kind of object; None where that cannot be found out. Slow, hence only when needed.
    """

    def __init__(self, ask: Callable[[], frozenset[tuple[str, str]] | None]) -> None:
        self._ask = ask
        self._asked = False
        self._in_state: frozenset[tuple[str, str]] | None = None
        self._seen: set[tuple[str, str]] = set()
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def note(self, kind: str, id: str) -> None:
        """The engine spoke of this object, or an object was just made or taken over."""
        if id:
            self._seen.add((kind, id))

    def holds(self, kind: str, id: str) -> bool | None:
        """Whether it is somebody's; None = cannot be told."""
        if (kind, id) in self._seen:
            return True
        with self._lock:
            if not self._asked:
                self._in_state, self._asked = self._ask(), True
        return None if self._in_state is None else (kind, id) in self._in_state

    @contextlib.contextmanager
    def turn(self, seed: str) -> Iterator[None]:
        """One at a time of those with the same seed."""
        with self._lock:
            turn = self._turns.setdefault(seed, threading.Lock())
        with turn:
            yield


@dataclass(frozen=True)
class Keys:
    """The keys of one object's creation.

    seed: what names the object in every run. None: no run but this one can know the keys.
    """

    kind: str = ""
    seed: str | None = None
    ledger: Ledger = field(default_factory=lambda: Ledger(lambda: None))

    @property
    def foreseeable(self) -> bool:
        """Whether an earlier run may have used them."""
        return self.seed is not None

    def creation(self, generation: int, *facts: str) -> str:
        """A UUID: of the object's `generation`-th incarnation. facts: what else makes it another object.

        It is a hash, so it tells nothing of what it is made of.
        """
        if self.seed is None:
            return str(uuid.uuid4())
        parts = (self.seed, self.kind, "create", str(generation), *facts)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5))

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Hold this while looking for whose an object is."""
        if self.seed is None:
            yield
        else:
            with self.ledger.turn(self.seed):
                yield

    def is_taken(self, id: str) -> bool | None:
        """Whether the object is another's, or this one's of before; None = cannot be told."""
        return self.ledger.holds(self.kind, id)

    def take(self, id: str) -> None:
        """The object is this one's now."""
        self.ledger.note(self.kind, id)
