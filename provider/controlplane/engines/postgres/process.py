"""The postmaster as a child process that ends with this one, and leftovers of killed processes."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
from pathlib import Path

from controlplane.engines import process
from controlplane.engines.process import ParentWatch

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Make a new child shut down (SIGINT = fast shutdown) when this process dies. Runs in the child."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def parent_watch() -> ParentWatch | None:
    """Return a watch that does the same where the kernel cannot; None on Linux."""
    return None if _libc is not None else ParentWatch("postgres", signal.SIGINT)


def stop_stale_server(data: Path) -> None:
    """Wait for a postmaster that a killed control plane left in this data directory, then end it."""
    process.stop_stale_process(lambda: _running_postmaster(data), (signal.SIGINT, signal.SIGKILL))


def _running_postmaster(data: Path) -> int | None:
    """Return the pid in postmaster.pid if the working directory of that process is this one, else None."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        return pid if process.works_in(pid, data) else None
    return None
