"""What stands for a plugin where an engine looks: a small program that starts the one of this Python environment."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def write_launcher(program: str, place: Path, project: Path | None = None, name: str = "") -> Path:
    """Write the launcher of `program` into the directory `place`, over an earlier one. Returns its path.

    project: the directory that `place` belongs to. A Python environment in it is named from the launcher's own place,
    so that every clone which has its environment there too can share the file. name: the launcher's own.
    """
    place.mkdir(parents=True, exist_ok=True)
    written = place / (name or program)
    target = Path(sys.executable).with_name(program)
    written.write_text(launcher_text(target, place.resolve(), project.resolve() if project else None), encoding="utf-8")
    written.chmod(0o755)
    return written


def is_within(target: Path, project: Path | None) -> bool:
    """Whether the environment that holds `target` is the project's own."""
    return project is not None and _real(target).is_relative_to(project)


def launcher_text(target: Path, place: Path, project: Path | None) -> str:
    """The launcher's text. place and project: without symbolic links."""
    if is_within(target, project):
        way = shlex.quote(os.path.relpath(_real(target), place))
        # Without links: Terraform links to the directory of a provider from elsewhere.
        start = f'here=$(CDPATH= cd -P "$(dirname "$0")" && pwd)\nexec "$here"/{way} "$@"'
    else:
        start = f'exec {shlex.quote(str(target))} "$@"'
    return f"#!/bin/sh\n# Starts the provider of the Python environment that `polykomos install` ran in.\n{start}\n"


def _real(target: Path) -> Path:
    """The program without links in its directory's path; its own name and a virtual environment's stay."""
    return target.parent.resolve() / target.name
