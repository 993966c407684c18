"""Programs on this machine: their versions, their plugins, and whether a plugin starts."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path

_SECONDS = 20
_NUMBERS = re.compile(r"\bv(\d+)\.(\d+)")


def version_of(program: str) -> tuple[int, int] | None:
    """Return the first two numbers of `program version`; None if it prints none."""
    output = _output(program, "version")
    match = _NUMBERS.search(output or "")
    return (int(match[1]), int(match[2])) if match else None


def pulumi_plugins(program: str) -> list[str] | None:
    """Return the versions of this provider that Pulumi itself finds among the user's plugins; None if it fails."""
    output = _output(program, "plugin", "ls", "--json", check=True)
    try:
        plugins = json.loads(output or "")
        return [str(each["version"]) for each in plugins if (each["kind"], each["name"]) == ("resource", "polykomos")]
    except (ValueError, KeyError, TypeError):
        return None


def _output(program: str, *words: str, check: bool = False) -> str | None:
    """Return what a program prints; None if it cannot be run, or with `check` if it fails."""
    try:
        return subprocess.run(  # noqa: S603 - the user's own engine
            [program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=check, timeout=_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def start_error(plugin: Path, *words: str) -> str:
    """Start a plugin as an engine does, until its first line.

    Returns:
        Why it does not start; empty if it printed a line.
    """
    try:
        with subprocess.Popen(  # noqa: S603 - what the engine would start
            [plugin, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            watchdog = threading.Timer(_SECONDS, process.kill)
            watchdog.start()
            line = process.stdout.readline()
            watchdog.cancel()
            process.terminate()
            return "" if line.strip() else process.stderr.read().strip()[-500:] or "it printed nothing"
    except OSError as error:
        return error.strerror or str(error)
