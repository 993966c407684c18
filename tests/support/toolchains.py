"""Languages' own tools as a README's steps find them: with the caches that `make setup` fills, whatever HOME is."""

from __future__ import annotations

import functools
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

_SETUP = Path(__file__).resolve().parents[2] / "tools" / "setup"


@functools.cache
def caches() -> Mapping[str, str]:
    """What npm, Go and pip are told by their environment."""
    told = subprocess.run([sys.executable, _SETUP, "caches"], text=True, capture_output=True, check=True).stdout
    return {
        **dict(line.split("=", 1) for line in told.splitlines()),
        "npm_config_prefer_offline": "true",
        "npm_config_update_notifier": "false",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # setuptools is there already; pip reads this one the wrong way round.
        "PIP_NO_BUILD_ISOLATION": "false",
    }


def python(directory: Path) -> Path:
    """A Python environment to install into, on top of the one that runs the tests. Returns its bin directory."""
    made = venv.EnvBuilder(symlinks=True).ensure_directories(directory)
    venv.EnvBuilder(symlinks=True).create(directory)
    site = Path(made.env_dir) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    below = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    # Like .pth, but with the editable installations of the environment below.
    (site / "below.pth").write_text(f"import site; site.addsitedir({str(below)!r})\n")
    pip = Path(made.bin_path) / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{made.env_exe}" -m pip "$@"\n')
    pip.chmod(0o755)
    return Path(made.bin_path)
