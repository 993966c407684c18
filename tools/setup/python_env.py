"""The project's Python environment: `.venv`, from the pinned and hashed requirements.

It grows: `make demo` installs what the wheel and the control plane need, `make check` and `make test` add the
development packages. Both lock files hold the same versions.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import venv
from pathlib import Path

from steps import ROOT, SetupError, run, say, step

VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "dev")}
_STAMP = VENV / ".installed"
_PROJECT = (ROOT / "pyproject.toml", ROOT / "provider" / "resourcekit" / "version.py")
_FLOOR = (3, 11)
_creating = threading.Lock()


def prepare(lock: str) -> Path:
    """Make `.venv` hold what a lock file names, and this project, and return its interpreter.

    Args:
        lock: "runtime" or "dev".

    Raises:
        SetupError: The interpreter is too old, or a package cannot be installed.
    """
    stamps = {name: _stamp(path) for name, path in LOCKS.items()}
    installed = _STAMP.read_text() if _STAMP.exists() else ""
    if installed == stamps["dev"] or installed == stamps[lock]:
        say("Python environment: up to date")
        return PYTHON
    create()
    count = sum("==" in line and not line.startswith((" ", "#")) for line in LOCKS[lock].open())
    with step(f"Python environment: installing {count} pinned packages into .venv"):
        # A machine may point pip at wheels of its own; the hashes in the lock file decide what is taken all the same.
        env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-compile"]
        run([*pip, "--require-hashes", "-r", LOCKS[lock]], env=env)
        run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], env=env)
        # Start-up of the plugin is paid at every command: compile once, here.
        run([PYTHON, "-m", "compileall", "-q", "-j", "0", VENV / "lib", ROOT / "provider"], env=env)
        _STAMP.write_text(stamps[lock])
    return PYTHON


def create() -> Path:
    """Make an empty `.venv` where there is none, and return its interpreter."""
    if sys.version_info < _FLOOR:
        raise SetupError(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: set PYTHON=… for make")
    with _creating:
        if not PYTHON.exists():
            try:
                venv.EnvBuilder(with_pip=True).create(VENV)
            except (OSError, ValueError) as error:
                raise SetupError(f"a Python environment cannot be made in {VENV}: {error}") from None
            except Exception as error:  # subprocess.CalledProcessError of ensurepip, which Debian packages apart
                raise SetupError(
                    f"pip cannot be installed into {VENV} (Debian: apt install python3-venv): {error}"
                ) from None
    return PYTHON


def _stamp(lock: Path) -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in (lock, *_PROJECT))).hexdigest()
