"""The Go tests of tests/clients: their names, and one run of one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.needs import require

_ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = _ROOT / "tests" / "clients"
_TEST = re.compile(r"^func (Test\w+)\(t \*testing\.T\)", re.MULTILINE)
_RESULT = re.compile(r"^--- (PASS|FAIL|SKIP): ", re.MULTILINE)
# What would lead a run elsewhere.
_FOREIGN = ("TF_", "TOFU_", "PULUMI_", "POLYKOMOS_")


def names(module: str) -> list[str]:
    """Return the tests of a Go module below tests/clients, in the order of its files."""
    return [name for path in sorted((_CLIENTS / module).glob("*_test.go")) for name in _TEST.findall(path.read_text())]


def programs() -> dict[str, Path]:
    """Return the compiled test program of each module; compiles it if `make setup` has not."""
    require("go")
    command = [sys.executable, str(_ROOT / "tools" / "setup"), "clients"]
    printed = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return {Path(line).stem: Path(line) for line in printed.splitlines()}


def run(program: Path, name: str, env: Mapping[str, str], directory: Path) -> None:
    """Run one Go test.

    Args:
        program: The compiled test program.
        name: The Go test.
        env: What the test is given beside this process's environment.
        directory: Where it writes.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    done = subprocess.run(
        [program, "-test.v", f"-test.run=^{name}$"],
        cwd=_CLIENTS / program.stem,
        env={**kept, "TMPDIR": str(directory), "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1", **env},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    results = _RESULT.findall(done.stdout)
    if done.returncode == 0 and results == ["SKIP"]:
        pytest.skip(next(line.strip() for line in done.stdout.splitlines() if "skipping" in line))
    assert (done.returncode, results) == (0, ["PASS"]), done.stdout
