"""A `polykomos dev` that starts quickly: a fork of a process that has loaded the control plane already.

Importing the control plane takes half of the CPU time of a start, and the suite starts some 200. The standard
library's fork server does so once for each worker of the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

_FORK_SERVER = multiprocessing.get_context("forkserver")
# None of them starts a thread. Where `__main__` is a file (pytest without workers), each fork would load it otherwise.
_FORK_SERVER.set_forkserver_preload(
    [
        "__main__",
        "uvloop",
        "filelock",
        "controlplane.server",
        "polykomos_provider.background_dev",
        "polykomos_provider.cli",
    ]
)


class DevFork:
    """A running `polykomos dev`: what of `subprocess.Popen` its users need.

    Attributes:
        stdout: What it prints.
    """

    def __init__(self, words: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        reader, writer = _FORK_SERVER.Pipe(duplex=False)
        with reader, writer:
            # A daemon: it ends with this process.
            self._process = _FORK_SERVER.Process(
                target=_run, args=(tuple(words), writer, str(log), dict(environment)), daemon=True
            )
            self._process.start()
            self.stdout: TextIO = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: It still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("polykomos dev", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to it, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to it, if it runs."""
        self.send_signal(signal.SIGKILL)


def _run(words: tuple[str, ...], stdout: Connection, log: str, environment: dict[str, str]) -> None:
    """Be `polykomos dev` with these words, in the fork."""
    from polykomos_provider.cli import main

    with stdout, Path(log).open("ab") as file:
        os.dup2(stdout.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # What they were before may have been a file, which these know.
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False, encoding="utf-8") for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["polykomos", "dev", *words]
    main(prog_name="polykomos")
