"""What the TypeScript and Go examples are built from, fetched once by npm and Go into caches outside the repository.

A cache is keyed by the example's lock file. Without node or go on PATH there is nothing to fetch: the tests that need
it are skipped, by its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import cache
from steps import ROOT, run, say, step

_NODE = ROOT / "examples" / "pulumi-typescript"
_GO = ROOT / "examples" / "pulumi-go"
_STAMP = "complete"
# As for the engines (docs/decisions/0050-engine-builds.md). `go build` in the example reads GOFLAGS.
_GO_FLAGS = "'-gcflags=all=-l -dwarf=false' -ldflags=-w"


def environment() -> dict[str, str]:
    """Return what tells npm and Go of the caches. Go's modules stay where the user has them: the engines' are there."""
    found = {"npm_config_cache": str(_home(_NODE / "package-lock.json") / "npm")}
    if shutil.which("go"):
        printed = subprocess.run(["go", "env", "GOMODCACHE"], text=True, capture_output=True, check=True)
        cache_of_builds = str(_home(_GO / "go.sum") / "go-build")
        found |= {"GOMODCACHE": printed.stdout.strip(), "GOCACHE": cache_of_builds, "GOFLAGS": _GO_FLAGS}
    return found


def prepare_node() -> None:
    """Fetch the TypeScript example's packages."""
    _once("npm", _NODE / "package-lock.json", "fetching the TypeScript example's packages", _fetch_node)


def fetch_go() -> None:
    """Download the Go example's modules."""
    if not _is_complete(_GO / "go.sum") and shutil.which("go"):
        with step("go: downloading the Go example's modules"):
            run(["go", "list", "-deps", "./deploy"], cwd=_GO, env={**os.environ, **environment()})


def compile_go() -> None:
    """Compile what the Go example is made of."""
    _once("go", _GO / "go.sum", "compiling the Go example's packages", _compile_go)


def _once(program: str, lock: Path, what: str, work: Callable[[], None]) -> None:
    if shutil.which(program) is None:
        say(f"{program}: not on PATH; the tests of the example in its language are skipped, by name")
    elif _is_complete(lock):
        say(f"{program}: {lock.parent.name} was prepared earlier")
    else:
        with step(f"{program}: {what}"):
            work()
            _home(lock).mkdir(parents=True, exist_ok=True)
            (_home(lock) / _STAMP).touch()


def _is_complete(lock: Path) -> bool:
    return (_home(lock) / _STAMP).exists()


def _home(lock: Path) -> Path:
    key = hashlib.sha256(lock.read_bytes() + (_GO_FLAGS.encode() if lock.parent == _GO else b""))
    return cache.directory() / "languages" / key.hexdigest()[:16]


def _fetch_node() -> None:
    with tempfile.TemporaryDirectory() as aside:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(_NODE / name, aside)
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=Path(aside), env={**os.environ, **environment()})


def _compile_go() -> None:
    run(["go", "build", "-o", os.devnull, "./deploy"], cwd=_GO, env={"GOGC": "400", **os.environ, **environment()})
