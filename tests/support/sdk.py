"""The generated SDKs for Python, as a user has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.build_cache import built

SDK = Path(__file__).resolve().parents[2] / "sdk"


def installed(vendor: str = "") -> Path:
    """Return where pip has installed an SDK. vendor: another one's than Polykomos'."""
    source = SDK / vendor / "python"
    return built("-".join(filter(None, ("sdk-python", vendor))), [source], lambda into: _install(source, into)) / "site"


def python_path() -> str:
    """Return PYTHONPATH with the SDK in front."""
    return os.pathsep.join(filter(None, [str(installed()), os.environ.get("PYTHONPATH")]))


def _install(source: Path, directory: Path) -> None:
    # From a copy: building writes beside the sources.
    shutil.copytree(source, directory / "source")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", directory / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, directory / "source"], check=True)
