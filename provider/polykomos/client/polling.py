"""Waiting for something at the API to end: read it at growing intervals, tick every second, stop at once when told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from polykomos.client.errors import ClientCancelledError, DeadlineExceededError, NotFoundError

ResultT = TypeVar("ResultT")
Progress = Callable[[float], None]

# Statuses of a blueprint application.
RUNNING: Final = frozenset({"pending", "running"})
ENDED: Final = frozenset({"completed", "failed", "rolled_back"})

FIRST_PAUSE: Final = 0.25
# Where calls are scarce, fewer looks leave more of them for work.
SCARCE_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 5.0
# The server holds the answer back so long at most: the pool and fast engines answer within it, in one call; a slow one
# answers with the id, which must be known before a long wait begins (docs/decisions/0003-waits.md).
SERVER_WAIT_SECONDS: Final = 2
_TICK: Final = 1.0
# What was made a moment ago may not show yet where the answer comes from.
_UNSEEN_SECONDS: Final = 10.0
# A preview that speaks of something that is not there should say so soon.
PREVIEW_UNSEEN_SECONDS: Final = 4.0


def poll_until(
    read: Callable[[], ResultT],
    done: Callable[[ResultT], bool],
    *,
    what: str,
    timeout: float,
    cancel: threading.Event | None = None,
    progress: Progress | None = None,
    first_pause: float = FIRST_PAUSE,
) -> ResultT:
    """The first result that is done. Not found counts as not done at first, for some seconds.

    what: "still provisioning", for the errors. timeout: seconds. progress: told the seconds waited, about once each.
    first_pause: seconds until the first read; later ones are further apart.
    Raises DeadlineExceeded or Cancelled; what `read` raises passes through.
    """
    stop = cancel or threading.Event()
    began = time.monotonic()
    pause = first_pause
    while True:
        _sleep(pause, began, timeout, what, stop, progress)
        try:
            result = read()
        except NotFoundError:
            if time.monotonic() - began >= _UNSEEN_SECONDS:
                raise
        else:
            if done(result):
                return result
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def retry_until_found(
    read: Callable[[], ResultT], *, seconds: float = _UNSEEN_SECONDS, cancel: threading.Event | None = None
) -> ResultT:
    """What `read` gives; not found is borne for so many seconds, with growing pauses. Raises what it raises, and
    Cancelled.
    """
    stop = cancel or threading.Event()
    began = time.monotonic()
    pause = FIRST_PAUSE
    while True:
        try:
            return read()
        except NotFoundError as error:
            if time.monotonic() - began + pause > seconds:
                raise
            if stop.wait(pause):
                raise ClientCancelledError(f"cancelled while looking again: {error}") from None
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def _sleep(
    pause: float, began: float, timeout: float, what: str, stop: threading.Event, progress: Progress | None
) -> None:
    """Let `pause` seconds pass in ticks."""
    until = time.monotonic() + pause
    while True:
        now = time.monotonic()
        waited = now - began
        if progress is not None:
            progress(waited)
        if stop.is_set():
            raise ClientCancelledError(f"{what} when the wait was cancelled after {waited:.0f} s")
        if waited >= timeout:
            raise DeadlineExceededError(f"{what} after {waited:.0f} s")
        if now >= until:
            return
        stop.wait(min(_TICK, until - now, timeout - waited))
