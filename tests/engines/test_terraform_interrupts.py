"""Slow provisioning on Terraform and OpenTofu: time-outs, Ctrl-C once and twice, a killed plugin; nothing orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.control_plane import SLOW_SECONDS, ControlPlane, database_names, wait_until
from support.naming import unique
from support.terraform import ENGINES, Workspace


@pytest.fixture(params=ENGINES)
def slow_workspace(
    request: pytest.FixtureRequest, new_workspace: Callable[..., Workspace], slow: ControlPlane
) -> Workspace:
    connection = {"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key}
    return new_workspace(request.param, connection, quick=False)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C as a terminal sends it: to the engine and to the plugins that it started."""
    os.killpg(process.pid, signal.SIGINT)


def database(name: str, rest: str = "") -> str:
    return f'resource "polykomos_database" "db" {{\n  name = "{name}"\n{rest}\n}}\n'


def apply_in_background(workspace: Workspace) -> subprocess.Popen[str]:
    return workspace.start("apply", "-auto-approve", "-no-color")


def test_ctrl_c_keeps_the_database_and_the_next_apply_goes_on(slow_workspace: Workspace, slow: ControlPlane) -> None:
    name = unique("break")
    slow_workspace.write(database(name))
    process = apply_in_background(slow_workspace)
    wait_until(lambda: name in database_names(slow))
    time.sleep(0.5)
    interrupt(process)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0, output
    assert "Traceback" not in output
    kept = slow_workspace.resource("polykomos_database.db")
    assert kept["status"] == "provisioning"
    assert '"status": "tainted"' not in slow_workspace.state_text, "it would be destroyed and made again"
    planned = slow_workspace.plan()
    assert planned.actions in ({}, {"polykomos_database.db": "update"}), "never a replacement"
    slow.advance(SLOW_SECONDS)
    slow_workspace.apply()
    after = slow_workspace.resource("polykomos_database.db")
    assert (after["id"], after["status"]) == (kept["id"], "active")
    assert after["connection_string"]
    assert database_names(slow).count(name) == 1
    slow_workspace.settled()
    slow_workspace.destroy()


def test_ctrl_c_twice(slow_workspace: Workspace, slow: ControlPlane) -> None:
    name = unique("twice")
    # The second one may end the engine before the plugin has returned the id. The next apply then finds it by its key.
    slow_workspace.env["POLYKOMOS_IDEMPOTENCY_SCOPE"] = name
    slow_workspace.write(database(name))
    process = apply_in_background(slow_workspace)
    wait_until(lambda: name in database_names(slow))
    time.sleep(0.5)
    interrupt(process)
    time.sleep(0.2)
    interrupt(process)
    output, _ = process.communicate(timeout=180)
    assert "Traceback" not in output
    slow.advance(SLOW_SECONDS)
    slow_workspace.apply()
    assert database_names(slow).count(name) == 1, output
    slow_workspace.settled()
    slow_workspace.destroy()
    assert name not in database_names(slow)


def test_a_time_out_keeps_the_id_and_says_what_to_do(slow_workspace: Workspace, slow: ControlPlane) -> None:
    name = unique("late")
    slow_workspace.write(database(name, '  timeouts = { create = "2s" }'))
    told = slow_workspace.apply().diagnostics
    assert "warning: database" in told
    assert "still provisioning after 2 s. Run it again, which resumes the wait" in told
    kept = slow_workspace.resource("polykomos_database.db")
    assert (kept["status"], kept["connection_string"]) == ("provisioning", None)
    assert '"status": "tainted"' not in slow_workspace.state_text, "it would be destroyed and made again"
    slow_workspace.write(database(name))
    assert slow_workspace.plan().actions == {"polykomos_database.db": "update"}
    slow.advance(SLOW_SECONDS)
    slow_workspace.apply()
    after = slow_workspace.resource("polykomos_database.db")
    assert (after["id"], after["status"]) == (kept["id"], "active")
    assert database_names(slow).count(name) == 1
    slow_workspace.settled()
    slow_workspace.destroy()


def test_what_depends_on_a_database_that_ran_out_of_time(slow_workspace: Workspace, slow: ControlPlane) -> None:
    """Within the same apply, and in the plan of the next one."""
    name = unique("late")
    blueprint = f"""
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "SELECT 1"
}}
resource "polykomos_blueprint_application" "run" {{
  database_uuid     = polykomos_database.db.uuid
  blueprint_uuid    = polykomos_blueprint.bp.uuid
  blueprint_version = polykomos_blueprint.bp.version
  timeouts          = {{ create = "TIME" }}
}}
"""
    late = database(name, '  timeouts = { create = "1s" }')
    slow_workspace.write(late + blueprint.replace("TIME", "1s"))
    failed = slow_workspace.apply(ok=False)
    assert "polykomos_blueprint_application.run" not in slow_workspace.resources()
    assert failed.diagnostics.count("still provisioning") == 2
    slow_workspace.write(late + blueprint.replace("TIME", "60s"))
    before = len(slow.request_lines())

    def is_tried() -> bool:
        return any("/blueprint_applications" in line["path"] for line in slow.request_lines()[before:])

    def ready_once_tried() -> None:
        wait_until(is_tried, seconds=60)
        slow.advance(SLOW_SECONDS)

    with ThreadPoolExecutor(1) as aside:
        released = aside.submit(ready_once_tried)
        slow_workspace.apply()
        released.result()
    assert slow_workspace.resource("polykomos_blueprint_application.run")["status"] == "completed"
    assert slow_workspace.resource("polykomos_database.db")["status"] == "active"
    slow_workspace.settled()
    slow_workspace.destroy()


def plugins_of(workspace: Workspace) -> list[int]:
    """The provider processes that this workspace's engine runs, found by their environment."""
    found = []
    mark = f"TF_CLI_CONFIG_FILE={workspace.env['TF_CLI_CONFIG_FILE']}".encode()
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            ours = any(word.endswith(b"terraform-provider-polykomos") for word in words[:2])
            if ours and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_the_error_about_a_killed_plugin_contains_no_secret(slow_workspace: Workspace, slow: ControlPlane) -> None:
    name = unique("killed")
    slow_workspace.write(database(name))
    process = apply_in_background(slow_workspace)
    wait_until(lambda: name in database_names(slow))
    plugins = plugins_of(slow_workspace)
    assert plugins
    for pid in plugins:
        os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0
    assert slow.api_key not in output
    assert "Traceback" not in output


def test_the_next_plugin_removes_the_sockets_of_killed_ones(
    slow_workspace: Workspace, slow: ControlPlane, tmp_path: Path
) -> None:
    slow_workspace.env["TMPDIR"] = str(tmp_path)
    name = unique("killed")
    slow_workspace.write(database(name))
    process = apply_in_background(slow_workspace)
    wait_until(lambda: name in database_names(slow))
    for pid in [process.pid, *plugins_of(slow_workspace)]:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=180)
    left = list(tmp_path.glob("plugin*/socket"))
    assert left
    slow_workspace.run("plan", "-lock=false")
    assert list(tmp_path.glob("plugin*/socket")) == left, "their plugins may have begun to start only now"
    for socket in left:
        os.utime(socket.parent, (0, 0))
    slow_workspace.run("plan", "-lock=false")
    assert list(tmp_path.glob("plugin*")) == []


def test_no_plugin_stays_behind(slow_workspace: Workspace) -> None:
    slow_workspace.write('data "polykomos_account" "me" {}')
    slow_workspace.apply()
    # The engine is over as soon as it has told them to end.
    wait_until(lambda: not plugins_of(slow_workspace))
