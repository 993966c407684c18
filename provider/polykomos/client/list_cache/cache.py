"""The pages of one list, read once for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from polykomos.client.errors import ApiError, ClientCancelledError, RateLimitedError, ServerError
from polykomos.client.list_cache.policy import NEAR_SECONDS, CacheView, ReadStep, freshness_cutoff, next_step

ItemT = TypeVar("ItemT")
# How often one that waits for another's page looks whether it was told to stop.
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """items: by the id that names them to `starting_after`, in the list's order. asked_at: see `Known`."""

    items: Mapping[str, ItemT]
    has_more: bool
    asked_at: float


class ListCache(Generic[ItemT]):
    """One kind's listing. seconds: how old it may be.

    Pages are read one after the other by whichever reader needs the next; the others wait for it.
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
        """Told before and after this process writes an object of the kind: what was read before is old."""
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
        """The object as listed; None when it is to be asked for by itself, because that is cheaper or it is not there.

        read_page: reads the page after an id, the first for None. singly: see `Known`.
        Raises Cancelled, and what `read_page` raises when the API cannot be reached.
        """
        with self._changed:
            asked, restarts = self._clock(), self._restarts
            lonely = asked - self._last_read > NEAR_SECONDS
            self._last_read = asked
            self._readers += 1
            self._pages.reads += 1
        try:
            while True:
                step = self._look(id, lonely=lonely, singly=singly, asked=asked, restarts=restarts)
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

    def _look(self, id: str, *, lonely: bool, singly: bool, asked: float, restarts: int) -> ReadStep | _Found[ItemT]:
        """The next step; where it is to read a page, the reader is the one who does."""
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
                is_first_read=lonely,
                oldest=freshness_cutoff(now, self._seconds, self._last_write),
                has_single_get=singly,
                # A page that failed is not tried again by each who waited for it, and a listing that writes keep ending
                # is given up.
                is_unavailable=min(asked, now - self._seconds) <= self._failed_at or self._restarts > restarts + 1,
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
        """Read the next page; False when the list cannot be had and single reads have to do."""
        page: Page[ItemT] | None = None
        try:
            page = read_page(self._pages.cursor)
        except (ClientCancelledError, RateLimitedError, ServerError):
            raise
        except ApiError:
            # Such as a cursor that is gone, or a key that may not list: a single read says what is wrong, if anything.
            return False
        finally:
            with self._changed:
                self._loading = False
                if page is None:
                    self._failed_at = self._clock()
                else:
                    self._pages.keep(page)
                self._changed.notify_all()
        return True

    def _await_page(self, cancel: threading.Event) -> None:
        with self._changed:
            if self._loading:
                self._changed.wait(_LOOK_SECONDS)
        if cancel.is_set():
            raise ClientCancelledError("cancelled while reading")


@dataclass
class _Pages(Generic[ItemT]):
    """What has been read of a listing. items: with the moment their page was asked for. See `Known` for the others."""

    reads: int = 0
    items: dict[str, tuple[float, ItemT]] = field(default_factory=dict)
    cursor: str | None = None
    count: int = 0
    last_at: float | None = None
    ended: bool = False

    def keep(self, page: Page[ItemT]) -> None:
        """Add the next page."""
        brings = page.items.keys() - self.items.keys()
        for id_, item in page.items.items():
            self.items[id_] = (page.asked_at, item)
            self.cursor = id_
        self.count += 1
        self.last_at = page.asked_at
        # A page that brings nothing could name no next one, or leads in a circle.
        self.ended = not (page.has_more and brings)


@dataclass(frozen=True)
class _Found(Generic[ItemT]):
    item: ItemT


class ListCaches:
    """The listings of one client, by their names in paths. seconds: how old each may be; 0 = none are kept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kinds: dict[str, ListCache[Any]] = {}
        self._lock = threading.Lock()

    def of(self, kind: str) -> ListCache[Any]:
        """The listing of a kind."""
        with self._lock:
            found = self._kinds.get(kind)
            if found is None:
                found = self._kinds[kind] = ListCache(self.seconds)
            return found
