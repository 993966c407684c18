"""Waits for an operation of the API: reads at growing intervals, progress every second, immediate cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from resourcekit.http.errors import ClientCancelledError, DeadlineExceededError, NotFoundError

ResultT = TypeVar("ResultT")
Progress = Callable[[float], None]

FIRST_PAUSE: Final = 0.25
# If few calls are left in the rate limit, fewer reads leave more calls for writes.
SCARCE_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 5.0
_TICK: Final = 1.0
# An object that was created just now may not be visible in every read yet.
_UNSEEN_SECONDS: Final = 10.0
# A preview should report a missing object soon.
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
    """Read until a result is done, and return it.

    Args:
        read: Reads the object. A NotFoundError counts as "not done" for the first seconds; other errors are raised.
        done: Returns whether a result is done.
        what: The state that errors report, such as "query … is still running".
        timeout: The time-out in seconds.
        cancel: The event that ends the wait.
        progress: Called about once a second with the seconds waited.
        first_pause: The seconds until the first read; later pauses are longer.

    Raises:
        DeadlineExceededError: The time-out expired.
        ClientCancelledError: The wait was cancelled.
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
    """Read an object, and retry a NotFoundError with growing pauses.

    Args:
        read: Reads the object; other errors are raised.
        seconds: How long to retry.
        cancel: The event that ends the wait.

    Raises:
        NotFoundError: The object is not found within the time.
        ClientCancelledError: The wait was cancelled.
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
                raise ClientCancelledError(f"cancelled before a retry: {error}") from None
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def _sleep(
    pause: float, began: float, timeout: float, what: str, stop: threading.Event, progress: Progress | None
) -> None:
    """Sleep for `pause` seconds, with progress every second."""
    until = time.monotonic() + pause
    while True:
        now = time.monotonic()
        waited = now - began
        if progress is not None:
            progress(waited)
        if stop.is_set():
            raise ClientCancelledError(f"{what}: the wait was cancelled after {waited:.0f} s")
        if waited >= timeout:
            raise DeadlineExceededError(f"{what} after {waited:.0f} s")
        if now >= until:
            return
        stop.wait(min(_TICK, until - now, timeout - waited))
