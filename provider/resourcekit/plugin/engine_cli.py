"""Asking the program that started this one, in rare cases where only its state can tell."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resourcekit.plugin.parent_watch import engine_pid

if TYPE_CHECKING:
    import subprocess

log = logging.getLogger(__name__)

_SECONDS: Final = 60.0
# A launcher may stand between the engine and us.
_GENERATIONS: Final = 4


@dataclass(frozen=True)
class EngineCli:
    """The program to ask. words: its command line, where it is the one that runs us; empty where it is one of PATH."""

    program: str
    args: tuple[str, ...] = ()

    def options(self, name: str) -> list[str]:
        """The values that its command line gives an option, in `-name value`, `-name=value` or with two dashes."""
        return flag_values(self.args, name)

    def run_json(self, *words: str) -> Any:
        """The JSON that it prints for a command, in the directory and environment that it gave us; None if none."""
        import subprocess  # rarely needed, long to import

        # It would take ours for its own surroundings as a plugin's host; and its own arguments fit no other command.
        ours = ("TF_PLUGIN_", "PLUGIN_", "TF_CLI_ARGS")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        try:
            done = run(self.program, words, env=env, seconds=_SECONDS)
            # Terraform prints nothing at all of a state that does not exist yet.
            return parse_output(done.stdout, {}) if done.returncode == 0 else None
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            log.debug("%s %s failed: %s", self.program, " ".join(words), type(error).__name__)
            return None


def run(
    program: str,
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    directory: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run an engine's program without input, to its end.

    Args:
        program: Its path.
        words: Its arguments.
        env: Its environment.
        directory: Where it runs; None: where this process does.
        seconds: How long it may take; None: as long as it needs.

    Raises:
        OSError: It cannot be started.
        TimeoutExpired: It takes longer.
    """
    import subprocess  # rarely needed, long to import

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
    """Return the JSON that an engine has printed; `nothing` where it has printed nothing. Raises ValueError."""
    return json.loads(text) if text.strip() else nothing


def find_parent_engine(names: Sequence[str]) -> EngineCli | None:
    """The engine that runs this process: the nearest of its ancestors that is called one of `names`."""
    pid = engine_pid()
    for _ in range(_GENERATIONS):
        process = _process(pid)
        if process is None:
            return None
        pid, engine = process
        if Path(engine.program).name.removesuffix(" (deleted)") in names:
            return engine
    return None


def find_on_path(names: Sequence[str]) -> EngineCli | None:
    """The one engine on PATH; None where there are several. Nothing tells that it is the one that runs us."""
    found = [path for name in names if (path := shutil.which(name))]
    return EngineCli(found[0]) if len(found) == 1 else None


def flag_values(words: Sequence[str], name: str) -> list[str]:
    """The values that a command line gives an option. Pure."""
    found = []
    for index, word in enumerate(words):
        option, given, value = word.partition("=")
        if option not in (f"-{name}", f"--{name}"):
            continue
        if given:
            found.append(value)
        elif index + 1 < len(words):
            found.append(words[index + 1])
    return found


def _process(pid: int) -> tuple[int, EngineCli] | None:
    """Return a process's parent and what it runs; None where it cannot be seen."""
    import psutil  # rarely needed, long to import

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return process.ppid(), EngineCli(process.exe(), tuple(process.cmdline()[1:]))
    except (psutil.Error, OSError):
        return None
