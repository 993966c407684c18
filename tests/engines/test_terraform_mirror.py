"""Ways to the provider beside dev_overrides: a mirror with `init` and its lock file, and a process to attach to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.naming import unique
from support.terraform import ENGINES, Workspace


@pytest.mark.parametrize("engine", ENGINES)
def test_init_apply_and_the_lock_file(
    engine: str, new_workspace: Callable[..., Workspace], connection: dict[str, str], tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    command = [str(Path(sys.executable).with_name("polykomos")), "install", "terraform", "--mirror", str(mirror)]
    told = subprocess.run(command, check=True, text=True, capture_output=True)
    workspace = new_workspace(engine, connection)
    workspace.write(told.stdout, "cli.tfrc")
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{unique("mirrored")}" }}')
    workspace.run("init")
    lock = (workspace.directory / ".terraform.lock.hcl").read_text()
    assert "polykomos/polykomos" in lock
    assert "h1:" in lock
    workspace.apply()
    workspace.settled()
    # Nothing that ran changed what the lock file vouches for.
    workspace.run("init", "-lockfile=readonly")
    assert (workspace.directory / ".terraform.lock.hcl").read_text() == lock
    workspace.destroy()


@pytest.mark.parametrize("engine", ENGINES)
def test_attaching_to_a_running_provider(
    engine: str, new_workspace: Callable[..., Workspace], connection: dict[str, str], tmp_path: Path
) -> None:
    """As one does with a debugger in the provider. The workspace's own way to it leads nowhere."""
    workspace = new_workspace(engine, connection, tmp_path / "empty")
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{unique("attached")}" }}')
    program = Path(sys.executable).with_name("terraform-provider-polykomos")
    with subprocess.Popen([program, "--debug"], env=workspace.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, told = process.stdout.readline().strip().partition("=")
        workspace.env[name] = told.strip("'")
        workspace.apply()
        workspace.settled()
        workspace.destroy()
        process.terminate()
        assert process.wait(60) == 0
