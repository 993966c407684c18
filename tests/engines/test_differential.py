"""One answer from every engine: random programs and edits do the same on Pulumi, Terraform and OpenTofu.

`make differential` runs many (PROGRAMS, SEED); here are a few of a fixed seed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from polykomos.package import package
from resourcekit.fields import field_specs
from support.control_plane import ControlPlane
from support.random_stories import LEFT_OUT, VALUES, Program, stories
from support.story_programs import hcl
from support.story_runs import ENGINES, EngineRun, Step

PROGRAMS = int(os.environ.get("PROGRAMS", "3"))
SEED = int(os.environ.get("SEED", "17"))


@pytest.fixture
def directories(tmp_path: Path) -> Iterator[Path]:
    return (tmp_path / str(number) for number in itertools.count())


def test_stories_know_every_argument_of_every_resource() -> None:
    declared = {each.name: set(field_specs(each.arguments)) for each in package().resources}
    assert {kind: {*VALUES[kind], *LEFT_OUT.get(kind, {})} for kind in VALUES} == declared


@pytest.mark.timeout(900 + 300 * PROGRAMS)
def test_every_engine_does_the_same(control_plane: ControlPlane, attached: str, directories: Iterator[Path]) -> None:
    number = itertools.count(1)

    @seed(SEED)
    @settings(max_examples=PROGRAMS, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(stories())
    def compare(programs: list[Program]) -> None:
        shown = "\n# then\n".join([f"# SEED={SEED} PROGRAMS={PROGRAMS}", *map(hcl, programs)])
        results: dict[str, list[Step]] = {}
        for engine in ENGINES:
            with control_plane.admin() as admin:
                admin.post("/reset").raise_for_status()
            run = EngineRun(engine, next(directories), control_plane, attached)
            try:
                results[engine] = run.story(programs)
            except AssertionError as error:
                raise AssertionError(f"{engine}: {error}\n{shown}") from error
        first, *others = results
        for other in others:
            for step, (expected, found) in enumerate(zip(results[first], results[other], strict=True), 1):
                assert expected == found, f"{first} and {other} differ in step {step} of\n{shown}"
        print(f"story {next(number)}: {len(programs)} programs alike")

    compare()
