"""End this process when the engine ends: an engine that is killed cannot stop its plugins."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable

_EVERY_SECONDS = 1.0
_STDOUT = 1

# Receives a function that ends the process, and calls it after the engine has ended.
Watch = Callable[[Callable[[], None]], None]

# The parent of the process whose work this process does; None: this process's own parent.
_engine_pid: int | None = None


def engine_pid() -> int:
    """Return the process id of the engine, or of the launcher between the engine and this process."""
    return os.getppid() if _engine_pid is None else _engine_pid


def set_engine_pid(pid: int) -> None:
    """Set the engine's process id, in a process that does the work of another one and has another parent."""
    global _engine_pid
    _engine_pid = pid


def exit_with_parent(is_alive: Callable[[], bool], end: Callable[[], None]) -> None:
    """Call `end` when this process's parent ends, or when two checks in a row find no engine.

    The parent alone is no proof: it may have ended before this process first looked, and the process that adopted this
    one does not end. The process id does not identify an adopter either, because an engine can be process 1. `is_alive`
    is called once a second.
    """
    parent = os.getppid()

    def watch() -> None:
        missed = 0
        while os.getppid() == parent and missed < 2:
            missed = 0 if is_alive() else missed + 1
            time.sleep(_EVERY_SECONDS)
        end()

    threading.Thread(target=watch, name="engine-watch", daemon=True).start()


def is_listening(address: str) -> bool:
    """Return whether a process listens at `host:port`. Any result but a refused connection counts as yes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_EVERY_SECONDS):
            return True
    except ConnectionRefusedError:
        return False
    except (OSError, ValueError):
        return True


def stdout_has_reader() -> bool:
    """Return whether another process still reads this one's output. Output that is no pipe counts as read."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    poll.register(_STDOUT, select.POLLOUT)
    # A pipe without a reader: Linux reports POLLERR, macOS POLLHUP.
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def exit_when_stdout_closes(end: Callable[[], None]) -> None:
    """Call `end` when this process's parent ends, or when no process reads this one's output (a `Watch`)."""
    exit_with_parent(stdout_has_reader, end)
