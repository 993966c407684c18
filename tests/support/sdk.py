"""The generated SDK for Python, as a user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.build_cache import built

SDK = Path(__file__).resolve().parents[2] / "sdk" / "python"


def installed() -> Path:
    """Return where pip has installed the SDK."""
    return built("sdk-python", [SDK], _install) / "site"


def python_path() -> str:
    """Return PYTHONPATH with the SDK in front."""
    return os.pathsep.join(filter(None, [str(installed()), os.environ.get("PYTHONPATH")]))


def _install(directory: Path) -> None:
    # From a copy: building writes beside the sources.
    shutil.copytree(SDK, directory / "source")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", directory / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, directory / "source"], check=True)
