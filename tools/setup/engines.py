"""The engines: used from PATH where a good version is found, else built from the pinned Go modules and cached.

The cache is outside the repository (`$POLYKOMOS_CACHE`, else the user's cache directory), keyed by the module's lock
file, so a second clone on the same machine builds nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from steps import ROOT, Failed, run, say, step

_MODULE = ROOT / "tools" / "engines"
_SHIMS = _MODULE / "language-python"


@dataclass(frozen=True)
class Engine:
    """One program. floor: the oldest version that is used from PATH; package: its main package in the module."""

    program: str
    package: str
    floor: tuple[int, int]
    flags: str = ""


ENGINES = (
    Engine(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        (3, 200),
        # Without it the version is empty, and the SDKs refuse an engine of no version.
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.255.0",
    ),
    Engine("pulumi-language-yaml", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml", (1, 10)),
)


# Pulumi's own SDK generators as a program; only `make sdk` needs it.
GENSDK = Engine("gensdk", "./gensdk", (0, 0))


def write_sdks(target: Path) -> None:
    """Generate the SDKs of schema.json into `target`/python, /nodejs and /go."""
    built = directory()
    if not (built / GENSDK.program).exists():
        with step("gensdk: building Pulumi's SDK generators (about a minute)"):
            _build(GENSDK, built)
    run([built / GENSDK.program, ROOT / "schema.json", target])


def directory() -> Path:
    """Where the built engines of this lock file are."""
    lock = (_MODULE / "go.mod").read_bytes() + (_MODULE / "go.sum").read_bytes()
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("POLYKOMOS_CACHE") or Path(home) / "polykomos")
    return cache / "engines" / hashlib.sha256(lock).hexdigest()[:16]


def search_path() -> list[Path]:
    """What belongs on PATH: the built engines, and our Python language host where the official one is missing."""
    official = shutil.which("pulumi-language-python")
    return [directory()] if official and not official.startswith(str(_SHIMS)) else [directory(), _SHIMS]


def prepare() -> None:
    """Make every engine available. Raises Failed, naming the engine and what is missing."""
    built = directory()
    for engine in ENGINES:
        found = _on_path(engine)
        if found:
            say(f"{engine.program}: {found}")
        elif (built / engine.program).exists():
            say(f"{engine.program}: built earlier")
        else:
            with step(f"{engine.program}: building from its Go module (about 4 minutes for the first one)"):
                _build(engine, built)


def _on_path(engine: Engine) -> str | None:
    """`version at path` when PATH has a good one. The pulumi that brings its own yaml host is taken with it."""
    path = shutil.which(engine.program)
    if path is None or path.startswith(str(directory())):
        return None
    if engine.program != "pulumi":
        return path
    version = subprocess.run([path, "version"], text=True, capture_output=True, check=False).stdout.strip()
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < engine.floor:
        say(f"{engine.program}: {version or 'no version'} at {path} is too old, building our own")
        return None
    return f"{version} at {path}"


def _build(engine: Engine, into: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise Failed(
            f"{engine.program} is not on PATH, and there is no Go (1.26 or later) to build it with: install either"
        )
    into.mkdir(parents=True, exist_ok=True)
    # Built aside and moved: a build that is interrupted, or two at once, never leaves half a program.
    with tempfile.TemporaryDirectory(dir=into) as aside:
        target = Path(aside) / engine.program
        command = [go, "build", "-trimpath", "-ldflags", f"-s -w {engine.flags}", "-o", target, engine.package]
        run(command, cwd=_MODULE)
        target.replace(into / engine.program)
