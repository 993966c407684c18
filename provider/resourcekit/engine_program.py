"""Asking the program that started this one, in rare cases where only its state can tell."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from resourcekit.engine_watch import started_by

log = logging.getLogger(__name__)

_SECONDS: Final = 60.0
# A launcher may stand between the engine and us.
_GENERATIONS: Final = 4


@dataclass(frozen=True)
class Engine:
    """The program to ask. words: its command line, where it is the one that runs us; empty where it is one of PATH."""

    program: str
    words: tuple[str, ...] = ()

    def options(self, name: str) -> list[str]:
        """The values that its command line gives an option, in `-name value`, `-name=value` or with two dashes."""
        return options(self.words, name)

    def ask(self, *words: str) -> Any:
        """The JSON that it prints for a command, in the directory and environment that it gave us; None if none."""
        import subprocess  # rarely needed, long to import

        # It would take ours for its own surroundings as a plugin's host; and its own arguments fit no other command.
        ours = ("TF_PLUGIN_", "PLUGIN_", "TF_CLI_ARGS")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        try:
            done = subprocess.run(  # noqa: S603 - our parent, or the user's own engine
                [self.program, *words],
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            # Terraform prints nothing at all of a state that does not exist yet.
            return json.loads(done.stdout.strip() or b"{}") if done.returncode == 0 else None
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            log.debug("%s %s failed: %s", self.program, " ".join(words), type(error).__name__)
            return None


def running(names: Sequence[str]) -> Engine | None:
    """The engine that runs this process: the nearest of its ancestors that is called one of `names`."""
    pid = started_by()
    for _ in range(_GENERATIONS):
        process = _process(pid)
        if process is None:
            return None
        pid, engine = process
        if Path(engine.program).name.removesuffix(" (deleted)") in names:
            return engine
    return None


def on_path(names: Sequence[str]) -> Engine | None:
    """The one engine on PATH; None where there are several. Nothing tells that it is the one that runs us."""
    found = [path for name in names if (path := shutil.which(name))]
    return Engine(found[0]) if len(found) == 1 else None


def options(words: Sequence[str], name: str) -> list[str]:
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


def _process(pid: int) -> tuple[int, Engine] | None:
    """A process's parent and what it runs; None where it cannot be seen."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        program = str(Path(f"/proc/{pid}/exe").readlink())
        words = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0").split("\0")
        # The second field is the name, in brackets, and may hold anything.
        return int(status.rpartition(")")[2].split()[1]), Engine(program, tuple(words[1:]))
    except (OSError, ValueError, IndexError):
        return _process_by_ps(pid)


def _process_by_ps(pid: int) -> tuple[int, Engine] | None:
    """The same where there is no /proc."""
    ps = shutil.which("ps")
    if ps is None:
        return None
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the system's own
            [ps, "-ww", "-o", "ppid=,args=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
        )
        parent, program, *words = done.stdout.split()
        return int(parent), Engine(program, tuple(words))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
