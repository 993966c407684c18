"""The postmaster as a child process that never outlives us, and what a killed predecessor left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In a new child: have it shut down (SIGINT = fast shutdown) when our process dies, however it dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def end_leftover(data: Path, patience: float = 5.0) -> None:
    """Wait for, then end, a postmaster that a killed control plane left in this data directory."""
    pid = _running_postmaster(data)
    for after, sign in ((patience, None), (patience, signal.SIGINT), (patience, signal.SIGKILL)):
        if pid is None:
            return
        if sign is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            if _running_postmaster(data) != pid:
                return
            time.sleep(0.02)


def _running_postmaster(data: Path) -> int | None:
    """The pid in postmaster.pid if that process really works in this directory."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        return pid if Path(f"/proc/{pid}/cwd").samefile(data) else None
    except (OSError, ValueError):
        return None
