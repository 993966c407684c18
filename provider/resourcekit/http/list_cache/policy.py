"""Decisions about the next step of a read. Pure functions; times are seconds of one monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# Two reads of a collection within this time belong to one run of an engine, and more are likely to follow.
NEAR_SECONDS: Final = 2.0
# This many reads of one list are a refresh of a whole stack: engines run about as many at once.
_MANY_READS: Final = 8


class ReadStep(Enum):
    """The next step of a read."""

    LISTED = "take the object from its page"
    WAIT = "wait for the page that another thread is reading"
    PAGE = "read the next page"
    RESTART = "read the first page anew"
    SINGLE = "read the object itself"


@dataclass(frozen=True)
class CacheView:
    """The state of a cached list when a read starts its next step.

    Attributes:
        seen_at: When the page with the object was requested; None if it was on no page so far.
        last_at: When the last page was requested; None if there is none.
        pages: The number of pages read so far.
        ended: Whether there are no more pages.
        loading: Whether a thread is reading a page.
        reads: The number of reads of this list so far.
        is_first_read: Whether there was no other read within NEAR_SECONDS.
        oldest: Pages that were requested earlier do not count.
        has_single_get: Whether the API can return the object by itself.
        is_unavailable: Whether the list could not be read.
    """

    seen_at: float | None
    last_at: float | None
    pages: int
    ended: bool
    loading: bool
    reads: int
    is_first_read: bool
    oldest: float
    has_single_get: bool = True
    is_unavailable: bool = False


def next_step(known: CacheView) -> ReadStep:
    """Return the next step of a read."""
    if known.seen_at is not None and known.seen_at >= known.oldest:
        return ReadStep.LISTED
    if known.loading:
        return ReadStep.WAIT
    if known.is_unavailable or (known.has_single_get and known.is_first_read):
        return ReadStep.SINGLE
    if known.seen_at is not None or known.last_at is None or known.last_at < known.oldest:
        return ReadStep.RESTART
    if known.ended or (known.has_single_get and known.pages >= _pages_worth(known.reads)):
        return ReadStep.SINGLE
    return ReadStep.PAGE


def _pages_worth(reads: int) -> int:
    """Return how many pages may be read for a number of reads. A page costs as much as a single read.

    After a few reads it is unknown whether more will follow: one page per read limits the calls to twice those of
    single reads, whatever the number of objects in the account. After many reads, far more are likely to follow, and
    engines start with the oldest objects, which are on the last pages: two pages per read limit the calls to three
    times those of single reads.
    """
    return reads if reads < _MANY_READS else 2 * reads


def freshness_cutoff(now: float, seconds: float, last_write: float) -> float:
    """Return the time of the oldest valid page: `seconds` ago, or this process's last write to the collection."""
    return max(now - seconds, last_write)
