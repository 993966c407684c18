"""The engines' own programs, run by commands."""

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
# Variables that would change the form of the output; and PULUMI_SKIP_CONFIRMATIONS, with which Pulumi refuses
# `refresh --preview-only`.
_UNSET = (
    "PULUMI_DEBUG_COMMANDS",
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW",
    "PULUMI_SKIP_CONFIRMATIONS",
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_show",
)
_ERROR_CHARACTERS = 4000


class EngineError(click.ClickException):
    """An engine's program ended with an error; the message contains the engine's."""


@dataclass(frozen=True)
class EngineProgram:
    """One engine's program and the directory in which it runs."""

    program: str
    directory: Path

    def run(self, *words: str, good: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run the program.

        The statuses `good` mean success.

        Raises:
            EngineError: The program ended with another status.
        """
        env = {name: value for name, value in os.environ.items() if name not in _UNSET} | {"TF_IN_AUTOMATION": "1"}
        done = engine_cli.run(self.program, words, env=env, directory=self.directory)
        if done.returncode not in good:
            raise EngineError(self.failure(words, done))
        return done

    def run_json(self, *words: str) -> Any:
        """Run the program, and return the JSON that it prints; None if it prints nothing.

        Raises:
            EngineError: The program failed, or printed something else.
        """
        try:
            return engine_cli.parse_output(self.run(*words).stdout)
        except ValueError:
            raise EngineError(f"`{self.command_line(words)}` printed something that is not JSON") from None

    def command_line(self, words: Sequence[str]) -> str:
        """Return the command as a person would type it."""
        return " ".join([Path(self.program).name, *words])

    def failure(self, words: Sequence[str], done: subprocess.CompletedProcess[str], reason: str = "") -> str:
        """Return the message for a failed run, without its stdout, which may contain a state.

        Without a reason, it contains the errors from stderr.
        """
        text = (reason or done.stderr.strip() or "it printed no error")[-_ERROR_CHARACTERS:]
        return f"`{self.command_line(words)}` ended with status {done.returncode}:\n{text}"


def engine(kind: str, directory: Path, program: str | None) -> EngineProgram:
    """Return the engine to run.

    `kind` is `pulumi` or `terraform`, `directory` the project or the root module, `program` the user's choice.

    Raises:
        click.ClickException: No such program is on PATH.
    """
    names = (program,) if program else candidate_programs(kind, _lock_file(directory))
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        raise click.ClickException(f"{' or '.join(names)} is not on PATH: install it, or name one with --program")
    return EngineProgram(path, directory)


def candidate_programs(kind: str, lock: str) -> tuple[str, ...]:
    """Return the programs of an engine, the preferred one first.

    `kind` is `pulumi` or `terraform`, `lock` the text of the root module's lock file.
    """
    names = _PROGRAMS[kind]
    return names[::-1] if kind == "terraform" and "registry.opentofu.org/" in lock else names


def _lock_file(directory: Path) -> str:
    path = directory / ".terraform.lock.hcl"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
