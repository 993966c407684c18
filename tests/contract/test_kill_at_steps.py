"""A few rounds of kill -9 at a step of a provisioning job; `make chaos` has more of them."""

from __future__ import annotations

from pathlib import Path

from support.step_chaos import prepared


def test_kills_at_each_step_leave_one_of_everything(tmp_path: Path) -> None:
    """Each step once, and two of each engine's."""
    with prepared(tmp_path) as rounds:
        for number in (0, 3, 4, 7):
            rounds.run(number)
        rounds.check_servers()
