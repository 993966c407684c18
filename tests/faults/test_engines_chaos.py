"""A few seeded rounds of `make chaos` for every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.engine_chaos import Chaos
from support.polnor_chaos import PolnorSubject
from support.polykomos_chaos import PolykomosSubject

ROUNDS = 3


@pytest.mark.slow
@pytest.mark.parametrize("engine", PolykomosSubject.engines)
def test_whatever_is_killed_the_next_run_puts_right(engine: str, tmp_path: Path) -> None:
    chaos = Chaos(engine, tmp_path, seed=11, of=PolykomosSubject)
    chaos.run(ROUNDS)
    assert chaos.met, "each kill came too late"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pulumi", "terraform"])
def test_polnor_too(engine: str, tmp_path: Path) -> None:
    chaos = Chaos(engine, tmp_path, seed=194, of=PolnorSubject)
    chaos.run(2)
    assert chaos.met, "each kill came too late"
