"""One stack over four APIs, as the example has it, on Pulumi and on Terraform."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controlplane.registry import VENDORS
from support.control_plane import ControlPlane, wait_until
from support.needs import require
from support.pulumi import Stack
from support.terraform import Workspace

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "all-vendors"
TOTALS = [{"orders": 2, "amount": 42}]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    require("psql")
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", "--vendor", "all") as plane:
        yield plane


@pytest.fixture
def env(plane: ControlPlane) -> dict[str, str]:
    bases = {name: f"{plane.origin}{vendor.style.prefix}" for name, vendor in VENDORS.items()}
    return {
        f"{name.upper()}_{what}": value
        for name, url in {"polykomos": plane.base_url, **bases}.items()
        for what, value in (("BASE_URL", url), ("API_KEY", plane.api_key))
    }


def check(plane: ControlPlane, outputs: dict[str, Any]) -> None:
    """Check what the program shows, and run its job: it reads the database of the same stack."""
    assert outputs["totals"] == TOTALS
    assert outputs["registered"] == "ready"
    with plane.vendor("polnor/api/v1") as polnor:
        run = polnor.post(f"/jobs/{outputs['job']}/run").raise_for_status().json()["run_id"]
        wait_until(lambda: polnor.get(f"/runs/{run}").json()["status"] in ("success", "failed"))
        logs: httpx.Response = polnor.get(f"/runs/{run}/tasks/report/logs")
    assert logs.json()["logs"] == "42\n"


def test_pulumi(tmp_path: Path, plane: ControlPlane, env: dict[str, str]) -> None:
    stack = Stack(tmp_path / "stack", env, vendors=tuple(VENDORS))
    shutil.copy(EXAMPLE / "pulumi" / "Pulumi.yaml", stack.directory / "Pulumi.yaml")
    stack.run("stack", "init", "dev")
    stack.up()
    check(plane, stack.outputs())
    stack.assert_no_changes()
    stack.destroy()


def test_terraform(tmp_path: Path, plane: ControlPlane, env: dict[str, str]) -> None:
    workspace = Workspace("terraform", tmp_path / "it", env)
    (workspace.directory / "provider.tf").unlink()
    shutil.copy(EXAMPLE / "terraform" / "main.tf", workspace.directory / "main.tf")
    workspace.apply()
    check(plane, workspace.outputs())
    workspace.settled()
    workspace.destroy()
