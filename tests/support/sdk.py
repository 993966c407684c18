"""The generated SDK for Python, as a user has it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).resolve().parents[2] / "sdk" / "python"


def installed(directory: Path) -> Path:
    """The SDK as pip installs it; built from a copy, because building writes beside the sources."""
    shutil.copytree(SDK, directory / "source")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", directory / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, directory / "source"], check=True)
    return directory / "site"
