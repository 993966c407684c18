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


def launcher_text(target: Path, place: Path, project: Path | None) -> str:
    """The launcher's text. place and project: without symbolic links."""
    # Without links in its directory's path; a virtual environment's own stay.
    real = target.parent.resolve() / target.name
    if project is not None and real.is_relative_to(project):
        way = shlex.quote(os.path.relpath(real, place))
        # Right through a link too: Terraform links to the directory that a provider lies in.
        start = f'exec "$(dirname "$0")"/{way} "$@"'
    else:
        start = f'exec {shlex.quote(str(target))} "$@"'
    return f"#!/bin/sh\n# Starts the provider of the Python environment that `polykomos install` ran in.\n{start}\n"
