"""Run the engine's own command line, for the few facts that only the engine's state contains."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resourcekit.plugin.parent_watch import engine_pid

if TYPE_CHECKING:
    import subprocess

log = logging.getLogger(__name__)

_SECONDS: Final = 60.0
# An engine does not replace all files of its state at once: a read in between fails, and a later one succeeds.
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8)
# Launchers may run between the engine and this process.
_MAX_ANCESTORS: Final = 4


@dataclass(frozen=True)
class EngineCli:
    """An engine's program."""

    program: str  # its path
    # Its arguments, if it is the engine that runs this process; empty if it was found on PATH.
    args: tuple[str, ...] = ()
    directory: Path | None = None  # its working directory, if it is that engine; None: this process's

    def options(self, name: str) -> list[str]:
        """Return the values of an option: `-name value` or `-name=value`, with one dash or two."""
        return flag_values(self.args, name)

    def run_json(self, *words: str) -> Any:
        """Run a command in the engine's directory and this process's environment.

        A command that fails is run again, up to four times and for at most 60 seconds in all.

        Returns:
            The JSON that the command prints, or None if the command failed each time.
        """
        # These variables are meant for a plugin, and TF_CLI_ARGS for the engine's running command only.
        removed = ("TF_PLUGIN_", "PLUGIN_", "TF_CLI_ARGS")
        env = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
        deadline = time.monotonic() + _SECONDS
        found = self._run_json(words, env, deadline)
        for pause in _PAUSES:
            if found is not None or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
            found = self._run_json(words, env, deadline)
        return found

    def _run_json(self, words: Sequence[str], env: Mapping[str, str], deadline: float) -> Any:
        """Run a command once. Return the JSON that it prints, or None if it fails."""
        import subprocess  # rarely needed, slow to import

        try:
            seconds = max(0.1, deadline - time.monotonic())
            completed = run(self.program, words, env=env, directory=self.directory, seconds=seconds)
            if completed.returncode == 0:
                # Terraform prints nothing if the state does not exist yet.
                return parse_output(completed.stdout, {})
            problem = f"exit status {completed.returncode}"
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            problem = type(error).__name__
        log.debug("%s %s failed: %s", self.program, " ".join(words), problem)
        return None


def run(
    program: str,
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    directory: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run an engine's program without input and wait for its end.

    Raises:
        OSError: The program cannot be started.
        TimeoutExpired: The program takes longer than `seconds`.
    """
    import subprocess  # rarely needed, slow to import

    return subprocess.run(  # noqa: S603 - our parent, or the user's own engine
        [program, *words],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )


def parse_output(text: str, nothing: Any = None) -> Any:
    """Return the JSON that an engine has printed, or `nothing` if the text is blank.

    Raises:
        ValueError: The text is not JSON.
    """
    return json.loads(text) if text.strip() else nothing


def find_parent_engine(names: Sequence[str]) -> EngineCli | None:
    """Return the engine that runs this process: the nearest ancestor process with one of these program names."""
    pid = engine_pid()
    for _ in range(_MAX_ANCESTORS):
        process = _process(pid)
        if process is None:
            return None
        pid, engine = process
        if Path(engine.program).name.removesuffix(" (deleted)") in names:
            return engine
    return None


def find_on_path(names: Sequence[str]) -> EngineCli | None:
    """Return the only engine on PATH, or None if there is none or several.

    It is not certain that it is the engine that runs this process.
    """
    paths = [path for name in names if (path := shutil.which(name))]
    return EngineCli(paths[0]) if len(paths) == 1 else None


def flag_values(words: Sequence[str], name: str) -> list[str]:
    """Return the values of an option in a command line. Pure."""
    values = []
    for index, word in enumerate(words):
        option, separator, value = word.partition("=")
        if option not in (f"-{name}", f"--{name}"):
            continue
        if separator:
            values.append(value)
        elif index + 1 < len(words):
            values.append(words[index + 1])
    return values


def _process(pid: int) -> tuple[int, EngineCli] | None:
    """Return a process's parent and its command line, or None if the process cannot be inspected."""
    import psutil  # rarely needed, slow to import

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            engine = EngineCli(process.exe(), tuple(process.cmdline()[1:]), Path(process.cwd()))
            return process.ppid(), engine
    except (psutil.Error, OSError):
        return None
