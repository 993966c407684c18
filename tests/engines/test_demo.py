"""`make demo`, but for the set-up before it."""

from __future__ import annotations

import subprocess
import sys

from support.readme import ROOT


def test_a_teams_whole_day() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "demo"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is left running" in done.stdout.lower()
