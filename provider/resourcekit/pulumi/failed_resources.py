"""Record the resources whose call failed in this process, for a component that waits for one of them.

After a failure the engine closes its connections. A component that waited for the engine's response would fail too
late, and the user would read `the client connection is closing`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class FailedResources:
    """The URNs of failed resources, and the threads that wait for one of them."""

    def __init__(self) -> None:
        self._urns: set[str] = set()
        self._stopped = False
        self._waiting: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def record(self, urn: str) -> None:
        """Record a failure and wake all waiting threads."""
        self._urns.add(urn)
        self._wake()

    def stop(self) -> None:
        """Wake all waiting threads: the engine has called Cancel, as it does before it closes its connections."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for wake in waiting:
            wake()

    def concerns(self, parent: str, token: str, name: str) -> bool:
        """Return whether the resource of this type and name below a parent has failed, or the engine stops."""
        return self._stopped or f"{parent.rpartition('::')[0]}${token}::{name}" in self._urns

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` after each failure within the block."""
        with self._lock:
            self._waiting.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.remove(wake)
