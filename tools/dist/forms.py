"""The programs of the archives: a folder with the executable, its interpreter and all that it imports, as bytecode."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from closure import unneeded_packages
from notices import write_notices
from staging import Staged
from steps import ROOT, run

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Form:
    """One engine's program. module: what it runs; versioned: whether its file's name ends in the version."""

    program: str
    module: str
    hidden: tuple[str, ...] = ()
    versioned: bool = False


# Pulumi's messages are found by their folder, which PyInstaller cannot see.
PULUMI = Form("pulumi-resource-polykomos", "polykomos_provider.pulumi_plugin", hidden=("pulumi.runtime.proto",))
TERRAFORM = Form("terraform-provider-polykomos", "polykomos_provider.terraform_plugin", versioned=True)


def made(form: Form, staged: Staged, scratch: Path) -> Path:
    """Build one; returns its folder, which is what the archive holds."""
    name = f"{form.program}_v{staged.version}" if form.versioned else form.program
    work = scratch / f"work-{form.program}"
    work.mkdir()
    settings = {
        "name": name,
        "script": str(staged.directory / f"{form.module.replace('.', '/')}.py"),
        "staged": str(staged.directory),
        "packages": form.hidden,
        "excluded": unneeded_packages(),
    }
    options = ["--log-level", "WARN", "--noconfirm", "--workpath", work, "--distpath", scratch / "built"]
    env = {
        **os.environ,
        # What is staged is found before what is installed, the wheel's metadata too.
        "PYTHONPATH": str(staged.directory),
        # The order of sets is part of bytecode.
        "PYTHONHASHSEED": "0",
        # PyInstaller's own cache would remain after this run.
        "PYINSTALLER_CONFIG_DIR": str(work),
    }
    run([sys.executable, "-m", "PyInstaller", *options, _HERE / "plugin.spec", "--", json.dumps(settings)], env=env)
    tree = scratch / "built" / name
    tree.joinpath("LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())
    write_notices(tree / "lib", tree / "THIRD-PARTY-NOTICES.txt")
    return tree


def glibc_needed(tree: Path) -> tuple[str, str]:
    """The library that asks for the newest glibc, and its version: archives run where they were built, or later."""
    found = [(version, path.name) for path in tree.rglob("*.so*") for version in _asked_for(path)]
    (numbers, name) = max(found)
    return name, ".".join(map(str, numbers))


def _asked_for(library: Path) -> Iterator[tuple[int, ...]]:
    for version in re.findall(rb"\bGLIBC_(\d+(?:\.\d+)+)\0", library.read_bytes()):
        yield tuple(map(int, version.split(b".")))
