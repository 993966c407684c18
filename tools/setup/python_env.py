"""The project's Python environment: `.venv`, from the pinned and hashed requirements."""

from __future__ import annotations

import hashlib
import os
import sys
import venv

from steps import ROOT, Failed, run, say, step

VENV = ROOT / ".venv"
BIN = VENV / "bin"
_STAMP = VENV / ".installed"
_SOURCES = tuple(ROOT / name for name in ("requirements/dev.txt", "pyproject.toml", "provider/polykomos/version.py"))


def prepare() -> None:
    """Make `.venv` where it is missing or stands for other requirements."""
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever runs this may have an older one)
        raise Failed(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: set PYTHON=… for make")
    wanted = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        say("Python environment: up to date")
        return
    with step("Python environment: installing the pinned packages into .venv"):
        if not (BIN / "python").exists():
            venv.EnvBuilder(with_pip=True).create(VENV)
        # A machine may point pip at wheels of its own; the hashes in the lock file decide what is taken all the same.
        quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        python = BIN / "python"
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", _SOURCES[0]], env=quiet)
        editable = ["--no-deps", "--no-build-isolation", "--editable", "."]
        run([python, "-m", "pip", "install", "--quiet", *editable], env=quiet)
        # Start-up of the plugin is paid at every command: compile once, here.
        run([python, "-m", "compileall", "-q", VENV / "lib", ROOT / "provider"], env=quiet)
        _STAMP.write_text(wanted)
