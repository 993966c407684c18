"""One answer from every engine: random programs and edits do the same on Pulumi, Terraform and OpenTofu.

Each number from SEED on is a story. Ten are one program, so that they share the starts of the engines. Here are
ten; `make differential` runs many (PROGRAMS, SEED). `make differential PROGRAMS=1 SEED=23` runs story 23 alone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from polykomos.package import package
from resourcekit.fields import field_specs
from support.control_plane import ControlPlane
from support.random_stories import LEFT_OUT, VALUES, prefix, story, together
from support.story_runs import ENGINES, EngineRun, Step, differences, shown

PROGRAMS = int(os.environ.get("PROGRAMS", "10"))
SEED = int(os.environ.get("SEED", "207"))
BATCH = 10


def test_stories_know_every_argument_of_every_resource() -> None:
    declared = {each.name: set(field_specs(each.arguments)) for each in package().resources}
    assert {kind: {*VALUES[kind], *LEFT_OUT.get(kind, {})} for kind in VALUES} == declared


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(SEED, SEED + PROGRAMS, BATCH))
def test_every_engine_does_the_same(first: int, control_plane: ControlPlane, attached: str, tmp_path: Path) -> None:
    stories = {number: story(number) for number in range(first, min(first + BATCH, SEED + PROGRAMS))}
    runs: dict[str, list[Step]] = {}
    for engine in ENGINES:
        began = time.monotonic()
        with control_plane.admin() as admin:
            admin.post("/reset").raise_for_status()
        run = EngineRun(engine, tmp_path / engine, control_plane, attached)
        try:
            runs[engine] = run.story(together(stories.values()))
        except AssertionError as error:
            named = [f"# {number}\n{shown(stories[number])}" for number in stories if prefix(number) in str(error)]
            raise AssertionError("\n".join([f"{engine}: {error}", *named])) from error
        print(f"stories {list(stories)} on {engine}: {time.monotonic() - began:.0f} s", flush=True)
    assert not (found := differences(runs, stories)), "\n\n".join(found)
