"""What the TypeScript and Go examples are built from, fetched once by npm and Go into caches outside the repository.

A cache is keyed by the example's lock file. Without node or go on PATH there is nothing to fetch: the tests that need
it fail by its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from steps import ROOT, run, say, step

import engines

_NODE = ROOT / "examples" / "pulumi-typescript"
_GO = ROOT / "examples" / "pulumi-go"
_STAMP = "complete"


def environment() -> dict[str, str]:
    """What tells npm and Go of the caches. Go's modules stay where the user has them: the engines' are there too."""
    found = {"npm_config_cache": str(_home(_NODE / "package-lock.json") / "npm")}
    if shutil.which("go"):
        asked = subprocess.run(["go", "env", "GOMODCACHE"], text=True, capture_output=True, check=True)
        found |= {"GOMODCACHE": asked.stdout.strip(), "GOCACHE": str(_home(_GO / "go.sum") / "go-build")}
    return found


def prepare() -> None:
    """Fill both caches, where that is not done yet."""
    _once("npm", _NODE / "package-lock.json", "fetching the TypeScript example's packages (about 30 s)", _fetch_node)
    _once("go", _GO / "go.sum", "compiling the Go example's packages (about 3 min)", _compile_go)


def _once(program: str, lock: Path, what: str, work: Callable[[], None]) -> None:
    stamp = _home(lock) / _STAMP
    if shutil.which(program) is None:
        say(f"{program}: not on PATH; the tests of the example in its language will fail")
    elif stamp.exists():
        say(f"{program}: {lock.parent.name} was prepared earlier")
    else:
        with step(f"{program}: {what}"):
            stamp.parent.mkdir(parents=True, exist_ok=True)
            work()
            stamp.touch()


def _home(lock: Path) -> Path:
    return engines.cache() / "languages" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def _fetch_node() -> None:
    with tempfile.TemporaryDirectory() as aside:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(_NODE / name, aside)
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=Path(aside), env={**os.environ, **environment()})


def _compile_go() -> None:
    run(["go", "build", "-o", os.devnull, "./deploy"], cwd=_GO, env={**os.environ, **environment()})
