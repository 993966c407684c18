"""Running the engines' own programs for commands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from resourcekit.plugin import engine_cli

if TYPE_CHECKING:
    import subprocess

_PROGRAMS = {"pulumi": ("pulumi",), "terraform": ("terraform", "tofu")}
# What would change the form of an answer that is read here; and a yes to all questions, with which Pulumi refuses to
# only preview a refresh.
_UNSET = (
    "PULUMI_DEBUG_COMMANDS",
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW",
    "PULUMI_SKIP_CONFIRMATIONS",
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_show",
)
_SAID_CHARACTERS = 4000


class EngineError(click.ClickException):
    """An engine's program ended with an error; the message is its own."""


@dataclass(frozen=True)
class EngineProgram:
    """One engine's program and where it is run."""

    program: str
    directory: Path

    def run(self, *words: str, good: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run it with these words. Raises EngineFailed for a status that is not in `good`."""
        env = {name: value for name, value in os.environ.items() if name not in _UNSET} | {"TF_IN_AUTOMATION": "1"}
        done = engine_cli.run(self.program, words, env=env, directory=self.directory)
        if done.returncode not in good:
            raise EngineError(self.failure(words, done))
        return done

    def ask(self, *words: str) -> Any:
        """The JSON that it prints; None when it prints nothing. Raises EngineFailed."""
        try:
            return engine_cli.parse_output(self.run(*words).stdout)
        except ValueError:
            raise EngineError(f"{self.called(words)} printed something that is no JSON") from None

    def called(self, words: Sequence[str]) -> str:
        """The command as a person would write it."""
        return " ".join([Path(self.program).name, *words])

    def failure(self, words: Sequence[str], done: subprocess.CompletedProcess[str], told: str = "") -> str:
        """What to say of a run that failed: never its stdout, which may hold a state. told: its reason from there."""
        said = (told or done.stderr.strip() or "it said nothing")[-_SAID_CHARACTERS:]
        return f"`{self.called(words)}` ended with status {done.returncode}:\n{said}"


def engine(kind: str, directory: Path, program: str | None) -> EngineProgram:
    """The engine to use. kind: pulumi or terraform. program: the user's choice. Raises ClickException."""
    names = (program,) if program else candidate_programs(kind, _lock_file(directory))
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise click.ClickException(f"{' or '.join(names)} is not on PATH: install it, or name one with --program")
    return EngineProgram(found, directory)


def candidate_programs(kind: str, lock: str) -> tuple[str, ...]:
    """Programs that serve, the likelier one first. lock: the lock file of the root module, empty without one."""
    names = _PROGRAMS[kind]
    return names[::-1] if kind == "terraform" and "registry.opentofu.org/" in lock else names


def _lock_file(directory: Path) -> str:
    path = directory / ".terraform.lock.hcl"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
