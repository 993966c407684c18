"""Cache of the pages of one list, shared by all reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from resourcekit.http.errors import ApiError, ClientCancelledError, RateLimitedError, ServerError
from resourcekit.http.list_cache.policy import NEAR_SECONDS, CacheView, ReadStep, freshness_cutoff, next_step

ItemT = TypeVar("ItemT")
# How often a thread that waits for another one's page checks whether it was cancelled.
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """A page of a list.

    Attributes:
        items: The items in the list's order, by the id that `starting_after` accepts.
        has_more: Whether more pages follow.
        asked_at: When the page was requested.
    """

    items: Mapping[str, ItemT]
    has_more: bool
    asked_at: float


class ListCache(Generic[ItemT]):
    """The cached list of one collection.

    Pages are read in order, by the reader that needs the next one; the other readers wait for it.

    Args:
        seconds: The maximum age of a page.
        clock: Returns monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._last_write = float("-inf")
        self._last_read = float("-inf")
        self._failed_at = float("-inf")
        self._readers = 0
        self._loading = False
        self._restarts = 0
        self._pages: _Pages[ItemT] = _Pages()

    def invalidate(self) -> None:
        """Discard what was read so far; called before and after each write to the collection."""
        with self._changed:
            self._last_write = self._clock()

    def lookup(
        self,
        id: str,
        read_page: Callable[[str | None], Page[ItemT]],
        *,
        deadline: float,
        cancel: threading.Event,
        singly: bool = True,
    ) -> ItemT | None:
        """Return the listed object, or None if the caller should read the object itself.

        That is the case if a single read takes fewer calls, or if the object is not in the list.

        Args:
            id: The object's id.
            read_page: Reads the page after an id, the first page for None.
            deadline: When to stop waiting for another reader.
            cancel: The event that ends the wait.
            singly: Whether the API can return the object by itself.

        Raises:
            ClientCancelledError: The read was cancelled.
            ClientError: The API cannot be reached.
        """
        with self._changed:
            started, restarts = self._clock(), self._restarts
            is_first_read = started - self._last_read > NEAR_SECONDS
            self._last_read = started
            self._readers += 1
            self._pages.reads += 1
        try:
            while True:
                step = self._next_step(
                    id, is_first_read=is_first_read, singly=singly, started=started, restarts=restarts
                )
                if isinstance(step, _Found):
                    return step.item
                if step is ReadStep.SINGLE:
                    return None
                if step is ReadStep.WAIT:
                    self._await_page(cancel)
                    if self._clock() >= deadline:
                        return None
                elif not self._load(read_page):
                    return None
        finally:
            with self._changed:
                self._readers -= 1

    def _next_step(
        self, id: str, *, is_first_read: bool, singly: bool, started: float, restarts: int
    ) -> ReadStep | _Found[ItemT]:
        """Return the next step. If it is to read a page, this thread must read it."""
        with self._changed:
            now = self._clock()
            pages = self._pages
            seen = pages.items.get(id)
            known = CacheView(
                seen_at=seen[0] if seen else None,
                last_at=pages.last_at,
                pages=pages.count,
                ended=pages.ended,
                loading=self._loading,
                reads=pages.reads,
                is_first_read=is_first_read,
                oldest=freshness_cutoff(now, self._seconds, self._last_write),
                has_single_get=singly,
                # The threads that waited for a failed page do not read it again. A list that writes invalidate
                # repeatedly is abandoned.
                is_unavailable=min(started, now - self._seconds) <= self._failed_at or self._restarts > restarts + 1,
            )
            step = next_step(known)
            if step is ReadStep.LISTED and seen:
                return _Found(seen[1])
            if step is ReadStep.RESTART:
                self._restarts += pages.last_at is not None
                self._pages = _Pages(reads=self._readers)
            if step in (ReadStep.RESTART, ReadStep.PAGE):
                self._loading = True
            return step

    def _load(self, read_page: Callable[[str | None], Page[ItemT]]) -> bool:
        """Read the next page; return False if the list is unavailable and single reads are necessary."""
        page: Page[ItemT] | None = None
        try:
            page = read_page(self._pages.cursor)
        except (ClientCancelledError, RateLimitedError, ServerError):
            raise
        except ApiError:
            # Such as an invalid cursor, or a key that may not list: a single read reports an error, if any.
            return False
        finally:
            with self._changed:
                self._loading = False
                if page is None:
                    self._failed_at = self._clock()
                else:
                    self._pages.add(page)
                self._changed.notify_all()
        return True

    def _await_page(self, cancel: threading.Event) -> None:
        with self._changed:
            if self._loading:
                self._changed.wait(_LOOK_SECONDS)
        if cancel.is_set():
            raise ClientCancelledError("cancelled during a read")


@dataclass
class _Pages(Generic[ItemT]):
    """The pages read so far. `items` has the time of each item's page; for the others see `CacheView`."""

    reads: int = 0
    items: dict[str, tuple[float, ItemT]] = field(default_factory=dict)
    cursor: str | None = None
    count: int = 0
    last_at: float | None = None
    ended: bool = False

    def add(self, page: Page[ItemT]) -> None:
        """Add the next page."""
        new = page.items.keys() - self.items.keys()
        for id_, item in page.items.items():
            self.items[id_] = (page.asked_at, item)
            self.cursor = id_
        self.count += 1
        self.last_at = page.asked_at
        # A page without new items has no cursor for a next page, or the list repeats.
        self.ended = not (page.has_more and new)


@dataclass(frozen=True)
class _Found(Generic[ItemT]):
    item: ItemT


class ListCaches:
    """The cached lists of one client, by their names in paths.

    Args:
        seconds: The maximum age of a page; 0 disables the cache.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kinds: dict[str, ListCache[Any]] = {}
        self._lock = threading.Lock()

    def of(self, kind: str) -> ListCache[Any]:
        """Return the cached list of a collection."""
        with self._lock:
            cache = self._kinds.get(kind)
            if cache is None:
                cache = self._kinds[kind] = ListCache(self.seconds)
            return cache
