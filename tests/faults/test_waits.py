"""What can come between while a database is waited for: the id is kept, and one database is there in the end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.control_plane import ControlPlane, database_names, wait_until
from support.process_kill import after_kill, start_up
from support.pulumi import Stack
from support.terraform import Workspace

SECONDS = 3


@pytest.fixture
def slow(admin: httpx.Client) -> Iterator[None]:
    """Provisioning takes its time at the module's control plane."""
    admin.patch("/provisioning", json={"delay_seconds": SECONDS, "pool_size": 0}).raise_for_status()
    yield
    admin.patch("/provisioning", json={"delay_seconds": None, "pool_size": None}).raise_for_status()


@pytest.mark.usefixtures("slow")
def test_ctrl_c_twice(stack: Stack, plane: ControlPlane) -> None:
    stack.write({"db": ("Database", {"name": "twice"})})
    process = start_up(stack)
    wait_until(lambda: "twice" in database_names(plane))
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0
    assert "Traceback" not in output
    after_kill(stack)
    stack.up()
    assert database_names(plane) == ["twice"]
    assert stack.resource("db")["outputs"]["status"] == "active"
    stack.assert_no_changes()


@pytest.mark.usefixtures("slow")
def test_a_limit_of_calls(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    rule = {"operation": "getDatabase", "effect": "status", "status": 429, "count": 3}
    admin.post("/faults", json=rule).raise_for_status()
    stack.write({"db": ("Database", {"name": "limited"})})
    stack.up()
    (met,) = admin.get("/faults").json()
    assert met["applied"] == rule["count"]
    assert database_names(plane) == ["limited"]
    stack.assert_no_changes()


def test_a_restart_of_the_control_plane(tmp_path: Path) -> None:
    arguments = ("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "0")
    with ControlPlane(*arguments, "--provision-delay", str(SECONDS)) as plane:
        env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        workspace = Workspace("terraform", tmp_path / "workspace", env)
        workspace.write('resource "polykomos_database" "db" {\n  name = "waited"\n}\n')
        process = workspace.start("apply", "-auto-approve")
        wait_until(lambda: "waited" in database_names(plane))
        plane.kill()
        plane.start()
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
        assert workspace.resource("polykomos_database.db")["status"] == "active"
        assert database_names(plane) == ["waited"]
        workspace.settled()
