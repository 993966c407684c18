"""The plugins and the commands where there is no fcntl, no pwd, no /proc and nothing of Linux's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.bare_platform import bare_platform, programs_run
from support.control_plane import ControlPlane, create_database
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

POLYKOMOS = Path(sys.executable).with_name("polykomos")


def polykomos(*words: str, cwd: Path, env: dict[str, str], status: int = 0) -> str:
    done = subprocess.run(
        [POLYKOMOS, *words], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def bare(tmp_path: Path, connection: dict[str, str]) -> dict[str, str]:
    return {**connection, **bare_platform(tmp_path)}


def test_pulumi(
    new_stack: Callable[..., Stack], bare: dict[str, str], control_plane: ControlPlane, tmp_path: Path
) -> None:
    stack = new_stack(bare, quick=False)
    stack.write(
        {
            "schema": ("Blueprint", {"name": "bare", "sqlContent": "CREATE TABLE bare (i int);"}),
            "orders": ("Database", {"name": "bare-pulumi", "blueprintUuid": "${schema.uuid}"}),
        }
    )
    assert stack.up().ops == {"schema": "create", "orders": "create"}
    stack.assert_no_changes()
    where: dict[str, Any] = {"cwd": stack.directory, "env": stack.env}
    assert "No drift" in polykomos("drift", "pulumi", **where)
    assert "pulumi" in polykomos("doctor", "pulumi", **where).lower()
    with control_plane.client() as api:
        by_hand = create_database(api, "bare-by-hand")["uuid"]
    polykomos("adopt", "pulumi", "--all", "--out", "import.json", **where)
    adopted = {each["id"] for each in json.loads((stack.directory / "import.json").read_text())["resources"]}
    assert by_hand in adopted
    assert stack.resource("orders")["id"] not in adopted
    stack.destroy()
    assert "pulumi-resource-polykomos" in programs_run(tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_terraform(
    engine: str,
    new_workspace: Callable[..., Workspace],
    bare: dict[str, str],
    control_plane: ControlPlane,
    tmp_path: Path,
) -> None:
    workspace = new_workspace(engine, bare, quick=False)
    workspace.write('resource "polykomos_database" "orders" { name = "bare-terraform" }')
    workspace.apply()
    workspace.settled()
    where: dict[str, Any] = {"cwd": workspace.directory, "env": workspace.env}
    assert "No drift" in polykomos("drift", "terraform", "--program", engine, **where)
    assert engine in polykomos("doctor", engine, **where).lower()
    with control_plane.client() as api:
        by_hand = create_database(api, "bare-by-hand")["uuid"]
    adopted = polykomos("adopt", "terraform", "--program", engine, "--all", **where)
    assert by_hand in adopted
    assert workspace.resource("polykomos_database.orders")["uuid"] not in adopted
    workspace.destroy()
    assert "terraform-provider-polykomos" in programs_run(tmp_path)
