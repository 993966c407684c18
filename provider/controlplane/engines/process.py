"""Database servers as child processes: stop them, also when this process dies or an earlier run left one behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Ends the server when our end of the pipe closes, however this process dies, unless the pid belongs to another program.
# $1: the program's name, $2: the signal.
_WATCH = """
read -r pid
read -r _
read -r name 2>/dev/null < "/proc/$pid/comm" || name=$(ps -o comm= -p "$pid" 2>/dev/null)
case $name in "$1" | */"$1") kill -s "$2" "$pid" ;; esac
"""


_log = logging.getLogger("controlplane.engines")


class ParentWatch:
    """A small process that ends a server when this process dies, even by kill -9."""

    def __init__(self, program: str, sign: signal.Signals) -> None:
        name = sign.name.removeprefix("SIG")
        self._watcher = subprocess.Popen(  # noqa: S603 - our own script
            ["/bin/sh", "-c", _WATCH, "sh", program, name], stdin=subprocess.PIPE, cwd="/", start_new_session=True
        )

    def begin(self, pid: int) -> None:
        """Watch the server with this pid from now on."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.write(f"{pid}\n".encode())
        self._watcher.stdin.flush()

    def stop(self) -> None:
        """End the watch. Call it last: until then the watch also ends a server whose stop failed unnoticed."""
        self._watcher.kill()
        self._watcher.wait()
        if self._watcher.stdin:
            self._watcher.stdin.close()


def stop_process(process: subprocess.Popen[bytes], signals: Sequence[signal.Signals], patience: float = 10.0) -> None:
    """End a server that this process started, signal by signal. Repeatable.

    `patience` is in seconds after each signal; the mildest signal comes first.
    """
    for sign in signals:
        if process.poll() is not None:
            return
        process.send_signal(sign)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            program = Path(str(process.args[0] if isinstance(process.args, list) else process.args)).name
            _log.warning("a server did not stop", extra={"facts": {"program": program, "signal": sign.name}})


def stop_stale_process(
    find: Callable[[], int | None], signals: Sequence[signal.Signals], patience: float = 20.0
) -> None:
    """Wait for a server that a killed control plane left behind, then end it, signal by signal.

    `find` returns its pid while it runs. `patience` is in seconds, before the first signal and after each: on a busy
    disk, a server that is shutting down takes long to write what it must.
    """
    pid = find()
    for sign in (None, *signals):
        if pid is None:
            return
        if sign is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if find() != pid:
                _wait_until_gone(pid, deadline)
                return
            time.sleep(0.02)


def _wait_until_gone(pid: int, deadline: float) -> None:
    """Wait until no process has the pid: PostgreSQL takes one for alive that is ending and has no directory."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)


def find_in(directory: Path, program: str) -> int | None:
    """Return the pid of a process of this program whose working directory is this one, or None."""
    import psutil  # rarely needed, long to import

    for process in psutil.process_iter(["name"]):
        if process.info["name"] == program and works_in(process.pid, directory):
            return process.pid
    return None


def works_in(pid: int, directory: Path) -> bool:
    """Return whether the process runs and its working directory is this one."""
    import psutil

    try:
        return Path(psutil.Process(pid).cwd()).samefile(directory)
    except (psutil.Error, OSError):
        return False
