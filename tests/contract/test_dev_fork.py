"""The forks that most tests have for a control plane behave as the command's own process does."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from support.control_plane import ControlPlane


@pytest.mark.parametrize("quick", [True, False])
def test_it_starts_stops_and_fails_as_the_command(quick: bool, tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"), "--pool-size", "0")
    with ControlPlane(*data, quick=quick) as plane:
        ours = Path(f"/proc/{plane.pid}/cmdline").read_text().split("\0")
        assert any(word.endswith("/polykomos") for word in ours) is not quick
        second = ControlPlane(*data, quick=quick)
        with pytest.raises(AssertionError, match="ended with 1: Error: Another `polykomos dev` is running"), second:
            pass
        assert plane.stop() == 0
        plane.start()
        plane.kill()
        assert plane.is_dead
        assert plane._process is not None
        assert plane._process.wait(0) == -signal.SIGKILL
        plane.start()
