"""Programs on a platform that has less than Linux: see sitecustomize.py here."""

from __future__ import annotations

import os
from pathlib import Path


def bare_platform(directory: Path) -> dict[str, str]:
    """Return the environment in which every Python program runs so. directory: where to note them."""
    link = directory / "processes"
    if not link.is_symlink():
        link.symlink_to("/proc")
    return {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "BARE_PLATFORM_PROCESSES": str(link),
        "BARE_PLATFORM_LOG": str(directory / "programs.log"),
    }


def programs_run(directory: Path) -> str:
    """Return the command lines of the programs that ran so."""
    return (directory / "programs.log").read_text(encoding="utf-8")
