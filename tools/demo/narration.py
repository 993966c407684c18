"""Telling the story: numbered steps, the commands as a person would type them, checks that end it when they fail."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_COLOUR = sys.stdout.isatty()
_BEGAN = time.monotonic()
_steps = 0


class DemoError(Exception):
    """A step was not as said; the text tells which and how."""


def _paint(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if _COLOUR else text


def step(title: str) -> None:
    """Begin the next step."""
    global _steps
    _steps += 1
    elapsed = time.monotonic() - _BEGAN
    print(_paint("1;36", f"\n━━ {_steps}. {title}") + _paint("2", f"  ({elapsed:.0f} s)"), flush=True)


def check(holds: bool, text: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Say what was checked, or end the story."""
    if not holds:
        raise DemoError(f"expected: {text}")
    result(text)


def result(text: str) -> None:
    """Say what a command's exit status has just shown."""
    print(_paint("32", f"   ✓ {text}"), flush=True)


def say(text: str) -> None:
    """Print a line of the story."""
    print(f"   {text}", flush=True)


def shown(
    command: Sequence[str], cwd: Path, env: dict[str, str], *, expect: Sequence[int] = (0,), quiet: bool = False
) -> str:
    """Run a command in view and return what it printed. quiet: show the command alone."""
    typed = " ".join(word for word in command if word != "--non-interactive")
    print(_paint("1", f"   $ {typed}"), flush=True)
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)
    output = done.stdout + done.stderr
    met = (done.returncode in expect) or (-1 in expect and done.returncode != 0)
    if not quiet or not met:
        for line in output.splitlines():
            if line.strip():
                print(_paint("2", f"     {line}"), flush=True)
    if not met:
        raise DemoError(f"`{typed}` ended with status {done.returncode}")
    return output
