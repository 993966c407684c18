"""One stack over four APIs, by the steps of the example's README: a control plane, Pulumi, a job, Terraform."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.engines.ports import free_port
from support.needs import require
from support.readme import Session, blocks, copied


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Session]:
    """A shell in the example, with a port and a PULUMI_HOME of its own; its control plane is stopped in any case."""
    environment = {"POLYKOMOS_DEV_PORT": str(free_port(0)), "POLYKOMOS_DEV_RATE_LIMIT": "0"}
    session = Session(copied("all-vendors", tmp_path), {}, PULUMI_HOME=str(tmp_path / "pulumi-home"), **environment)
    try:
        with session:
            yield session
    finally:
        subprocess.run(["polykomos", "dev", "--stop"], env=session.env, check=True)


def test_the_steps_of_the_readme(shell: Session) -> None:
    for program in ("psql", "jq", "curl", "pulumi", "terraform"):
        require(program)
    start, pulumi, job, destroy, terraform, stop = blocks(shell.directory / "README.md")
    shell.follow([start])
    (applied,) = shell.follow([pulumi])
    assert 'registered: "ready"' in applied
    (ran,) = shell.follow([job])
    assert "success" in ran
    assert '"logs": "42\\n"' in ran, "the job reads the database of the same stack"
    shell.follow([destroy])
    (applied,) = shell.follow([terraform])
    assert '"amount" = 42' in applied
    assert 'registered = "ready"' in applied
    assert "5 destroyed" in applied
    shell.follow([stop])
