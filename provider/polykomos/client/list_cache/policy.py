"""What a read does next: pure decisions. Moments are seconds of one monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# Two reads of a kind that are closer than this are of one run of an engine, and more are likely to follow.
NEAR_SECONDS: Final = 2.0
# So many reads of one listing are of a run that looks at a whole stack: engines have about as many under way at once.
_MANY_READS: Final = 8


class ReadStep(Enum):
    """What a read can do."""

    LISTED = "take the object from its page"
    WAIT = "somebody is reading a page: see what is on it"
    PAGE = "read the next page"
    RESTART = "read the first page anew"
    SINGLE = "ask for the object itself"


@dataclass(frozen=True)
class CacheView:
    """What is known of a listing when a read looks at it.

    seen_at: when the page with the object was asked for; None: on no page so far. last_at: the same of the last page,
    None without any. pages: read so far. ended: there are no more. loading: one is being read. reads: how many reads
    this listing has been asked for. lonely: no other read came within NEAR_SECONDS. oldest: pages that were asked for
    earlier do not count. singly: whether the object can be asked for by itself. closed: the list could not be read.
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
    """The next step of one read."""
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
    """How many pages may be read for so many reads. A page costs as much as a single read.

    Of a few reads nobody knows whether more will follow: with as many pages, at most twice the calls of single reads
    are made, whatever the number of objects in the account. Where many are asked for, most likely far more follow, and
    engines begin with the oldest objects, which the last pages show: as many pages again, so at most three times.
    """
    return reads if reads < _MANY_READS else 2 * reads


def freshness_cutoff(now: float, seconds: float, last_write: float) -> float:
    """How old a page may be: `seconds`, and not from before this process's last write of the kind."""
    return max(now - seconds, last_write)


def written_collection(method: str, path: str) -> str | None:
    """The list that a call may change, by its name in paths; None for a read.

    `POST /databases/{uuid}/blueprint_applications` adds to that list and leaves the database's object as it is.
    """
    if method == "GET":
        return None
    parts = path.strip("/").split("/")
    return parts[2] if method == "POST" and len(parts) == 3 else parts[0]
