"""The test programs of tests/clients: Go's test harnesses for providers, compiled once for each content.

They share the build cache of the Go example. Without go on PATH there is nothing to compile: the tests that need it
are skipped, by its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import cache
import languages
from steps import ROOT, run, say, step

_DIRECTORY = ROOT / "tests" / "clients"
MODULES = ("terraform", "pulumi", "bridge-mapping")


def prepare() -> None:
    """Download and compile what has changed since it was compiled last."""
    if shutil.which("go") is None:
        say("go: not on PATH; the tests of tests/clients are skipped, by name")
        return
    for module in MODULES:
        if not program(module).exists():
            _compile(module)


def program(module: str) -> Path:
    """Return where the test program of a module is, or will be."""
    digest = hashlib.sha256()
    for path in sorted((_DIRECTORY / module).iterdir()):
        if path.suffix in (".go", ".mod", ".sum"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache.directory() / "clients" / digest.hexdigest()[:16] / f"{module}.test"


def _compile(module: str) -> None:
    target = program(module)
    target.parent.mkdir(parents=True, exist_ok=True)
    env = {"GOGC": "400", **os.environ, **languages.environment()}
    # Built aside and moved: a build that is interrupted, or two at once, never leaves half a program.
    with step(f"tests/clients/{module}: compiling"), tempfile.TemporaryDirectory(dir=target.parent) as aside:
        made = Path(aside) / target.name
        run(["go", "test", "-c", "-vet=off", "-o", made, "."], cwd=_DIRECTORY / module, env=env)
        made.replace(target)
