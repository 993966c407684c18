"""Ending with the engine: one that was killed cannot tell its plugins to stop."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable

_EVERY_SECONDS = 1.0
_STDOUT = 1

# Is given a way to end; calls it when the engine is not there any more.
Watch = Callable[[Callable[[], None]], None]

# The process that started the one whose work this process does; None: this process's own parent.
_engine_pid: int | None = None


def engine_pid() -> int:
    """The engine, or the launcher between it and this process."""
    return os.getppid() if _engine_pid is None else _engine_pid


def set_engine_pid(pid: int) -> None:
    """Say that this process does the work of one that `pid` started; its own parent is another."""
    global _engine_pid
    _engine_pid = pid


def exit_with_parent(is_there: Callable[[], bool], end: Callable[[], None]) -> None:
    """Call `end` when this process's parent ends, or when the engine is not there twice in a row.

    The parent alone does not tell: it may have ended before this process could look who it was, and whoever adopted it
    stays. An engine can be process 1 itself, so an adopter is not told by its number either.
    """
    parent = os.getppid()

    def watch() -> None:
        missed = 0
        while os.getppid() == parent and missed < 2:
            missed = 0 if is_there() else missed + 1
            time.sleep(_EVERY_SECONDS)
        end()

    threading.Thread(target=watch, name="engine-watch", daemon=True).start()


def is_listening(address: str) -> bool:
    """Whether somebody listens at `host:port`; anything but a refusal counts as yes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_EVERY_SECONDS):
            return True
    except ConnectionRefusedError:
        return False
    except (OSError, ValueError):
        return True


def stdout_has_reader() -> bool:
    """Return whether another process still reads what this one prints; what is no pipe counts as read."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    poll.register(_STDOUT, select.POLLOUT)
    # A pipe that nobody reads: Linux says POLLERR, macOS POLLHUP.
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def exit_when_stdout_closes(end: Callable[[], None]) -> None:
    """Call `end` when this process's parent ends, or when nobody reads what it prints (a Watch)."""
    exit_with_parent(stdout_has_reader, end)
