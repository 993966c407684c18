"""The steps of a README or a page of the docs, run as they are written.

A block fenced as `sh` runs, in one bash session from the first to the last. Two things in a document are read besides:

- a line that is only `` `name`: `` makes the block after it the content of that file;
- `<!-- needs: program -->` before a block leaves it out where the program is not on PATH.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from support import toolchains

ROOT = Path(__file__).resolve().parents[2]
# What a session is in already: the environment of `make setup`, or one of its own to install into.
DONE = ("make setup", "python3 -m venv")
# What is made in a directory where an example was tried by hand.
_MADE = shutil.ignore_patterns("node_modules", "bin", "__pycache__", ".sdk", ".venv", ".pulumi", "*.tfstate*")
_BLOCK = re.compile(
    r"(?:^ *<!-- needs: (?P<needs>\S+) -->\n\s*|^ *`(?P<file>[^`\n]+)`:\n\n?)?"
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_END = "end of the block: "


@dataclass(frozen=True)
class Block:
    """A fenced block. file: the name that its content is kept under; needs: a program that it cannot do without."""

    language: str
    text: str
    file: str
    needs: str


def blocks(document: Path, section: str = "") -> list[Block]:
    """The fenced blocks of a document, or of its section of that heading, in their order."""
    text = document.read_text(encoding="utf-8")
    if section:
        text = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    found = _BLOCK.finditer(text)
    return [
        Block(
            each["language"],
            re.sub(f"^{each['indent']}", "", each["text"], flags=re.MULTILINE),
            each["file"] or "",
            each["needs"] or "",
        )
        for each in found
    ]


def sources(directory: Path) -> Path:
    """Copy what the wheel is built from, as it is in a clone."""
    directory.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "schema.json"):
        shutil.copy(ROOT / name, directory)
    shutil.copytree(ROOT / "provider", directory / "provider", ignore=_MADE)
    return directory


def copied(example: str, directory: Path) -> Path:
    """examples/`example` below `directory`, with the SDKs and the CI scripts where it looks for them."""
    shutil.copytree(ROOT / "sdk", directory / "sdk", ignore=_MADE)
    for name in {example, "ci"}:
        shutil.copytree(ROOT / "examples" / name, directory / "examples" / name, ignore=_MADE)
    return directory / "examples" / example


class Session:
    """One bash, in `directory` and with a HOME of its own, that answers every engine's question with yes.

    connection: what reaches the control plane; empty where the steps themselves start one.
    """

    def __init__(self, directory: Path, connection: Mapping[str, str], **env: str) -> None:
        home = directory.parent / f".home-{directory.name}"
        home.mkdir()
        self.directory = directory
        self._key = connection.get("POLYKOMOS_API_KEY")
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "POLYKOMOS_", "TF_", "GITHUB_"))},
            "HOME": str(home),
            "PATH": f"{toolchains.python(home / 'python')}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "TF_INPUT": "0",
            "TF_CLI_ARGS_apply": "-auto-approve",
            "TF_CLI_ARGS_destroy": "-auto-approve",
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
            **toolchains.caches(),
            **connection,
            **env,
        }

    def __enter__(self) -> Self:
        self._bash = subprocess.Popen(
            ["bash", "-s"],
            cwd=self.directory,
            env=self.env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _stream(self._bash.stdin).write("set -euo pipefail\n")
        return self

    def __exit__(self, *_: object) -> None:
        _kill(self._bash.pid)
        self._bash.wait()
        _stream(self._bash.stdout).close()

    def run(self, text: str, *, seconds: float = 200) -> str:
        """Run lines in the session, and return what they print. Fails as soon as one of them does."""
        script = self.directory.parent / f".block-{self.directory.name}.sh"
        lines = [line for line in text.splitlines() if not line.startswith(DONE)]
        script.write_text("\n".join([*lines, ""]), encoding="utf-8")
        watchdog = threading.Timer(seconds, _kill, [self._bash.pid])
        watchdog.start()
        try:
            told = _stream(self._bash.stdin)
            told.write(f". '{script}' </dev/null\necho; echo '{_END}'$?\n")
            told.flush()
            output, status = self._until_end()
        finally:
            watchdog.cancel()
        assert status == "0", f"ended with {status}:\n{text}\n{output}"
        assert not (self._key and self._key in output), "the API key was shown"
        assert "Traceback (most recent call last)" not in output, output
        return output

    def _until_end(self) -> tuple[str, str]:
        shown: list[str] = []
        for line in _stream(self._bash.stdout):
            if line.startswith(_END):
                return "".join(shown), line.removeprefix(_END).strip()
            shown.append(line)
        return "".join(shown), f"{self._bash.wait()} (the session is over)"

    def follow(self, found: list[Block]) -> list[str]:
        """Write the files and run the steps. Returns what each step printed; empty for one that was left out."""
        printed = []
        for block in found:
            if block.file:
                (Path(self.run("pwd").strip()) / block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "sh":
                there = not block.needs or shutil.which(block.needs, path=self.env["PATH"])
                printed.append(self.run(block.text) if there else "")
        return printed


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
