"""Launchers: small programs in a plugin directory that start the plugin of this Python environment."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def write_launcher(program: str, place: Path, project: Path | None = None, name: str = "") -> Path:
    """Write the launcher of a program, over an earlier one.

    Args:
        program: The program's name.
        place: The directory to write into.
        project: The project that the directory belongs to. A Python environment in the project is named by a path
            relative to the launcher, so that clones with their environments in the same place can share the file.
        name: The launcher's name; empty for the program's.

    Returns:
        The launcher's path.
    """
    place.mkdir(parents=True, exist_ok=True)
    launcher = place / (name or program)
    target = Path(sys.executable).with_name(program)
    text = launcher_text(target, place.resolve(), project.resolve() if project else None)
    launcher.write_text(text, encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def launcher_text(target: Path, place: Path, project: Path | None) -> str:
    """Return the launcher's text. The paths have no symbolic links."""
    # Resolve the links of the directory only: the environment's interpreter may be a link itself.
    real = target.parent.resolve() / target.name
    if project is not None and real.is_relative_to(project):
        relative = shlex.quote(os.path.relpath(real, place))
        # This works through a link too: Terraform links to a provider's directory.
        start = f'exec "$(dirname "$0")"/{relative} "$@"'
    else:
        start = f'exec {shlex.quote(str(target))} "$@"'
    return f"#!/bin/sh\n# Starts the provider of the Python environment that `polykomos install` ran in.\n{start}\n"
