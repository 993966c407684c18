"""Pulumi plugins on PATH. Pulumi prefers them to the installed plugins, and warns each time."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from polykomos_provider.install.addresses import PACKAGES
from polykomos_provider.install.pulumi_plugins import PROGRAM

IGNORE = "PULUMI_IGNORE_AMBIENT_PLUGINS"
_PLUGIN = re.compile(r"pulumi-(language|resource|analyzer|converter|tool)-[\w-]+(\.exe)?")
_SHOWN = 3


def shadowing_plugin(environment: Mapping[str, str]) -> Path | None:
    """Return this provider's program on PATH, which Pulumi uses instead of the installed plugin, or None."""
    if environment.get(IGNORE, "").lower() in ("1", "true"):
        return None
    found = shutil.which(PROGRAM, path=environment.get("PATH"))
    return Path(found) if found else None


def other_plugins(environment: Mapping[str, str]) -> list[str]:
    """Return the plugins that Pulumi would not find without PATH.

    Pulumi finds the plugins in the directory of the `pulumi` program without PATH. Those of this distribution are
    installed.
    """
    pulumi = shutil.which("pulumi", path=environment.get("PATH"))
    beside = Path(pulumi).resolve().parent if pulumi else None
    found: dict[str, Path] = {}
    for directory in environment.get("PATH", "").split(os.pathsep):
        if directory and os.access(directory, os.R_OK) and Path(directory).is_dir():
            for path in Path(directory).iterdir():
                if _PLUGIN.fullmatch(path.name) and os.access(path, os.X_OK):
                    found.setdefault(path.name, path)
    lost = [name for name in found if beside is None or not (beside / name).exists()]
    installed = tuple(f"pulumi-resource-{name}" for name in PACKAGES)
    return sorted(name for name in lost if not name.startswith(installed))


def advice(shadowing: Path, others: list[str]) -> tuple[str, str]:
    """Return the advice about a program on PATH, and the line for the shell that stops the warning (or "")."""
    text = f"Pulumi uses {shadowing} from PATH instead, and prints a warning each time."
    project = "run `polykomos install pulumi --project .` in each project, which needs no variable"
    if others:
        shown = ", ".join(others[:_SHOWN]) + (", …" if len(others) > _SHOWN else "")
        return f"{text} To avoid both, {project}. ({IGNORE}=true would hide {shown} as well.)", ""
    return f'{text} To avoid both, run the line below (or eval "$(polykomos install pulumi)"); or {project}.', (
        f"export {IGNORE}=true"
    )
