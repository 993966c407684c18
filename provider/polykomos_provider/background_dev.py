"""Control planes in the background: start, find and stop them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from controlplane.data_dir import default_data_dir, in_use, usable
from controlplane.errors import ControlPlaneError
from controlplane.process_record import Running, all_running, find_running

_READY_SECONDS = 120.0
_STOP_SECONDS = 30.0
_LOG_BYTES = 10_000_000


class DevProcessError(ControlPlaneError):
    """A control plane in the background could not be started, found or stopped."""


def log_file(data_dir: Path | None, port: int) -> Path:
    """Return the log file of a control plane in the background.

    An ephemeral control plane (None) logs in the state directory, any other one in its data directory.
    """
    return data_dir / "dev.log" if data_dir is not None else default_data_dir().parent / f"ephemeral-{port}.log"


def start(arguments: Sequence[str], log: Path) -> list[str]:
    """Start `polykomos dev` in the background, and return when it answers.

    The log is appended to.

    Returns:
        The export lines that the process printed.

    Raises:
        DevProcessError: The process ended, or was not ready within two minutes; the message has its errors.
    """
    with usable(log.parent, "Choose another --data-dir."):
        log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as stderr:
        start_of_log = stderr.tell() if stderr.seekable() else 0
        process = subprocess.Popen(  # noqa: S603 - our own program
            # -P: without the current directory among Python's modules.
            [sys.executable, "-P", "-m", "polykomos_provider.cli", "dev", "--detached", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # neither Ctrl-C nor the end of the terminal reaches it
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    # Reading blocks, so a timer ends a start that hangs.
    watchdog = threading.Timer(_READY_SECONDS, process.terminate)
    watchdog.start()
    try:
        exports = _read_exports(process)
    except BaseException:
        process.terminate()
        raise
    finally:
        watchdog.cancel()
    if not exports or not _answers(exports, process):
        raise DevProcessError(_start_error(process, log, start_of_log))
    return exports


def _read_exports(process: subprocess.Popen[str]) -> list[str]:
    """Return the export lines, of which the key's is the last; none if the process ends before it."""
    assert process.stdout is not None
    lines: list[str] = []
    with process.stdout as stdout:
        for line in stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("export POLYKOMOS_API_KEY="):
                return lines
    return []


def _answers(exports: Sequence[str], process: subprocess.Popen[str]) -> bool:
    """Wait until /healthz answers. Return False if the process ends, or after 30 seconds."""
    url = next(line.split("'")[1] for line in exports if line.startswith("export POLYKOMOS_BASE_URL="))
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _STOP_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), direct.open(url.removesuffix("/api/v1") + "/healthz", timeout=5):
            return True
        time.sleep(0.1)
    process.terminate()
    return False


def _start_error(process: subprocess.Popen[str], log: Path, start_of_log: int) -> str:
    """Return why a start failed: the errors in its log, or the end of the log."""
    try:
        status = process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    with log.open("rb") as file:
        lines = _from(file, start_of_log).splitlines()
    errors = [line.removeprefix("Error: ") for line in lines if line and not line.startswith("{")]
    text = "\n".join(errors or lines[-5:]) or f"`polykomos dev` ended with status {status}."
    return f"{text}\nIts log is {log}."


def _from(file: IO[bytes], start: int) -> str:
    file.seek(start)
    return file.read().decode(errors="replace")


def find(data_dir: Path | None, port: int | None) -> list[Running]:
    """Return the control planes of this user that run now.

    Without a data directory and a port, these are only the ones that `--detach` started. The others belong to a
    terminal, or to the tests that started them.

    Args:
        data_dir: Only the one with this data directory; None for the default one and the ephemeral ones.
        port: Only the one that listens on this port; None for any port.
    """
    if data_dir is not None:
        only = find_running(data_dir.resolve())
        running = [] if only is None else [only]
    else:
        running = all_running([default_data_dir()])
    if data_dir is None and port is None:
        return [each for each in running if each.detached]
    return [each for each in running if port is None or each.port == port]


def the_one(running: Sequence[Running]) -> Running | None:
    """Return the only control plane; None if there is none.

    Raises:
        DevProcessError: There are several.
    """
    if len(running) > 1:
        listed = "\n".join(f"  {each}" for each in running)
        raise DevProcessError(f"Several control planes are running; name one with --port or --data-dir:\n{listed}")
    return running[0] if running else None


def stop(running: Running) -> None:
    """End a control plane, and return when its data directory is free.

    Raises:
        DevProcessError: It belongs to another user, or did not end within 30 seconds.
    """
    directory = Path(running.directory)
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise DevProcessError(f"The control plane of {running} belongs to another user.") from None
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(running.pid, directory):
        if time.monotonic() > deadline:
            raise DevProcessError(
                f"The control plane of {running} did not end within {_STOP_SECONDS:.0f} s. End it with: "
                f"kill -9 {running.pid}"
            )
        time.sleep(0.1)


def _is_alive(pid: int, directory: Path) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return in_use(directory)
