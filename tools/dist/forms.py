"""The programs of the archives: a folder with the executable, its interpreter and all that it imports, as bytecode.

The packages' programs for one engine import nearly the same: they are built in one run, and each folder gets its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from closure import unneeded_packages
from notices import write_notices
from staging import Program, Staged
from steps import ROOT, run

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Form:
    """The programs for one engine. prefix: before the package's name; other: what only the other engine's need;
    versioned: whether a file's name ends in the version.
    """

    prefix: str
    other: str
    hidden: tuple[str, ...] = ()
    versioned: bool = False


# Pulumi's messages are found by their folder, which PyInstaller cannot see.
PULUMI = Form("pulumi-resource", "resourcekit.terraform", hidden=("pulumi.runtime.proto",))
TERRAFORM = Form("terraform-provider", "resourcekit.pulumi", versioned=True)


def made(form: Form, staged: Staged, scratch: Path) -> dict[str, Path]:
    """Build one engine's programs; returns the folder of each package, which is what its archive holds."""
    work = scratch / f"work-{form.prefix}"
    work.mkdir()
    programs = staged.programs(form.prefix)
    suffix = f"_v{staged.version}" if form.versioned else ""
    settings = {
        "name": form.prefix,
        "programs": {program.name + suffix: str(program.write_script(work)) for program in programs},
        "staged": str(staged.directory),
        "messages": form.hidden,
        "vendors": [program.package for program in programs],
        "data": sorted({folder for program in programs for folder in program.folders}),
        "excluded": [form.other, *unneeded_packages()],
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
    common = scratch / "built" / form.prefix
    (common / "LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())
    write_notices(common / "lib", common / "THIRD-PARTY-NOTICES.txt")
    return {program.package: _own_part(program, programs, common, suffix) for program in programs}


def _own_part(program: Program, programs: list[Program], common: Path, suffix: str) -> Path:
    """Link all but the programs and Python packages of the others into a folder of this program."""
    others = [each for each in programs if each is not program]
    foreign = {each.name + suffix for each in others} | {folder for each in others for folder in each.folders}
    tree = common.with_name(program.name)
    left_out = shutil.ignore_patterns(*foreign - set(program.folders))
    shutil.copytree(
        common,
        tree,
        copy_function=os.link,
        ignore=lambda place, names: left_out(place, names) if Path(place) in (common, common / "lib") else set(),
    )
    return tree


def glibc_needed(tree: Path) -> tuple[str, str]:
    """The library that asks for the newest glibc, and its version: archives run where they were built, or later."""
    found = [(version, path.name) for path in tree.rglob("*.so*") for version in _asked_for(path)]
    (numbers, name) = max(found)
    return name, ".".join(map(str, numbers))


def _asked_for(library: Path) -> Iterator[tuple[int, ...]]:
    for version in re.findall(rb"\bGLIBC_(\d+(?:\.\d+)+)\0", library.read_bytes()):
        yield tuple(map(int, version.split(b".")))
