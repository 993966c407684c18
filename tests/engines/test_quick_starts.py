"""The quick starts of the README and of "Getting started", run as they are written there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane
from support.objects import left
from support.pulumi import require
from support.readme import ROOT, Session, blocks

README = (ROOT / "README.md", "Quick start with Pulumi YAML", "Quick start with Terraform or OpenTofu")
GETTING_STARTED = (ROOT / "docs" / "getting-started.md", "3a. With Pulumi", "3b. With Terraform or OpenTofu")


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as running:
        yield running


@pytest.mark.parametrize("document", [README, GETTING_STARTED], ids=["readme", "getting-started"])
@pytest.mark.parametrize("engine", ["pulumi", "terraform"])
def test_a_quick_start(document: tuple[Path, str, str], engine: str, plane: ControlPlane, tmp_path: Path) -> None:
    require("psql")
    path, pulumi, terraform = document
    work = tmp_path / "work"
    work.mkdir()
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    with Session(work, connection) as shell:
        printed = "\n".join(shell.follow(blocks(path, pulumi if engine == "pulumi" else terraform)))
    assert "public | contacts" in printed, printed
    assert left(plane) == []
