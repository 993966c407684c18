"""Python in a process of its own, for what depends on what has been imported."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """What it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
