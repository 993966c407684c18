"""Slow provisioning, time-outs, Ctrl-C, dying plugins and engines, an API that errs: nothing lost, no traceback."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.control_plane import SLOW, SLOW_SECONDS, ControlPlane, database_names, wait_until
from support.naming import unique
from support.needs import require
from support.process_kill import kill, processes, start_up
from support.pulumi import Stack


@pytest.fixture
def slow_stack(new_stack: Callable[..., Stack], slow: ControlPlane) -> Stack:
    env = {"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key}
    return new_stack(env, quick=False)  # some tests here look at how the plugin itself ends


def test_waiting_shows_in_the_resources_row(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("slow")
    slow_stack.write({"db": ("Database", {"name": name})}, {"status": "${db.status}"})

    def ready_in_a_while() -> None:
        wait_until(lambda: name in database_names(slow), seconds=60)
        time.sleep(4)
        slow.advance(SLOW_SECONDS)

    with ThreadPoolExecutor(1) as aside:
        released = aside.submit(ready_in_a_while)
        shown = slow_stack.up()
        released.result()
    seconds = [int(m[1]) for row in shown.rows if (m := re.match(r"provisioning, (\d+) s", row))]
    assert len(seconds) >= 2, shown.rows
    assert seconds == sorted(seconds)
    assert slow_stack.outputs()["status"] == "active"
    slow_stack.destroy()


def test_a_create_that_ran_out_of_time_is_resumed(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("late")
    db = ("Database", {"name": name}, {"customTimeouts": {"create": "2s", "update": "2s", "read": "3s"}})
    slow_stack.write({"db": db}, {"url": "${db.connectionString}", "status": "${db.status}"})
    failed = slow_stack.up(ok=False)
    assert "still provisioning" in failed.output
    assert "Run it again, which resumes the wait" in failed.output
    assert "`customTimeouts`" in failed.output
    kept = slow_stack.resource("db")
    assert kept["initErrors"]
    assert kept["id"] == kept["outputs"]["uuid"]
    assert kept["refreshBeforeUpdate"]
    again = slow_stack.up(ok=False)
    assert again.ops == {"db": "update"}, "it was read first, and is not complete: the wait is resumed"
    assert "`pulumi up` resumes the wait" in again.output
    slow.advance(SLOW_SECONDS)
    with slow.client() as api:
        wait_until(lambda: api.get(f"/databases/{kept['id']}").json()["data"]["status"] == "active")
    completed = slow_stack.up()
    assert completed.ops == {}, "it was read first, and is complete"
    assert "refreshBeforeUpdate" not in slow_stack.resource("db")
    assert slow_stack.resource("db")["id"] == kept["id"]
    assert "initErrors" not in slow_stack.resource("db")
    assert slow_stack.outputs()["status"] == "active"
    assert database_names(slow).count(name) == 1
    slow_stack.assert_no_changes()

    # A read has a time-out of its own.
    began = time.monotonic()
    with slow.admin() as admin:
        rule = {"operation": "getDatabase", "effect": "latency", "seconds": 90}
        admin.post("/faults", json=rule).raise_for_status()
        late = slow_stack.refresh(ok=False)
        admin.delete("/faults").raise_for_status()
    assert "Traceback" not in late.output
    assert time.monotonic() - began < 80, late.output
    slow_stack.destroy()


def test_ctrl_c_ends_the_wait_at_once_and_keeps_the_id(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("break")
    slow_stack.write({"db": ("Database", {"name": name})}, {"status": "${db.status}"})
    process = start_up(slow_stack)
    wait_until(lambda: name in database_names(slow))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0, output
    assert "Traceback" not in output
    exported = slow_stack.state()["deployment"]
    assert not exported.get("pending_operations")
    kept = slow_stack.resource("db")["id"]
    slow.advance(SLOW_SECONDS)
    slow_stack.up()
    assert slow_stack.resource("db")["id"] == kept
    assert database_names(slow).count(name) == 1
    slow_stack.destroy()


def test_a_killed_plugin_is_no_traceback(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("killed")
    slow_stack.write({"db": ("Database", {"name": name})})
    process = start_up(slow_stack)
    wait_until(lambda: name in database_names(slow))
    plugins = processes(slow_stack.directory / ".home" / ".pulumi", "pulumi-resource-polykomos")
    assert plugins
    kill(plugins)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0
    assert "Traceback" not in output
    assert slow_stack.env["POLYKOMOS_API_KEY"] not in output


def test_a_plugin_ends_when_its_engine_is_killed(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("orphan")
    slow_stack.write({"db": ("Database", {"name": name})})
    process = start_up(slow_stack)
    wait_until(lambda: name in database_names(slow))
    home = slow_stack.directory / ".home" / ".pulumi"
    assert processes(home, "pulumi-resource-polykomos")
    process.kill()
    process.communicate()
    wait_until(lambda: not processes(home, "pulumi-resource-polykomos"))


def test_an_unreachable_or_refusing_api_is_reported(new_stack: Callable[..., Stack], slow: ControlPlane) -> None:
    nowhere = new_stack({"POLYKOMOS_BASE_URL": "http://127.0.0.1:9/api/v1", "POLYKOMOS_API_KEY": "pk_live_" + "0" * 32})
    nowhere.write({"db": ("Database", {"name": "never"}, {"customTimeouts": {"create": "3s"}})})
    failed = nowhere.up(ok=False)
    assert "127.0.0.1:9" in failed.output
    assert "pk_live_000" not in failed.output

    stranger = new_stack({"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": "pk_live_" + "0" * 32})
    stranger.write({"db": ("Database", {"name": "never"})})
    failed = stranger.up(ok=False)
    assert "invalid_api_key" in failed.output
    assert "pk_live_000" not in failed.output

    unset = new_stack({"POLYKOMOS_BASE_URL": slow.base_url})
    unset.write({"db": ("Database", {"name": "never"})})
    assert "POLYKOMOS_API_KEY" in unset.preview(ok=False).output

    lost = new_stack({"POLYKOMOS_BASE_URL": "https://polykomos.com", "POLYKOMOS_API_KEY": "pk_live_" + "0" * 32})
    lost.write({"db": ("Database", {"name": "never"})})
    assert "/api/v1" in lost.preview(ok=False).output


def test_a_preview_goes_without_a_dry_run_while_the_database_is_made(slow_stack: Stack, slow: ControlPlane) -> None:
    brief = {"customTimeouts": {"create": "2s", "update": "2s"}}
    app = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}
    resources = {
        "bp": ("Blueprint", {"name": unique("late"), "sqlContent": "CREATE TABLE t (n int);"}),
        "db": ("Database", {"name": unique("late")}, brief),
        "app": ("BlueprintApplication", app),
    }
    slow_stack.write(resources, {"status": "${app.status}"})
    assert "still provisioning" in slow_stack.up(ok=False, previewed=True).output
    again = slow_stack.up(ok=False, previewed=True)
    assert "dry run skipped: The database is provisioning" in again.output
    assert "still provisioning" in again.output, "it was the update that failed, not its preview"
    slow.advance(SLOW_SECONDS)
    slow_stack.up(previewed=True)
    assert slow_stack.outputs()["status"] == "completed"
    slow_stack.destroy()


def test_what_provisioning_gave_up_on_is_made_again(new_stack: Callable[..., Stack]) -> None:
    # The failures are of whatever is provisioned next, so nothing else may be under way.
    with ControlPlane(*SLOW) as plane, plane.admin() as admin, plane.client() as api:
        stack = new_stack({"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key})
        stack.write({"db": ("Database", {"name": "hopeless"}, {"customTimeouts": {"create": "2s"}})})
        admin.patch("/provisioning", json={"failures": 5}).raise_for_status()
        stack.up(ok=False)
        first = stack.resource("db")["id"]

        def is_gone() -> bool:
            plane.advance(SLOW_SECONDS)
            return api.get(f"/databases/{first}").status_code == 404

        wait_until(is_gone, every=0.3)
        admin.patch("/provisioning", json={"failures": 0, "delay_seconds": 0}).raise_for_status()
        assert stack.up().ops == {"db": "create"}
        assert stack.resource("db")["id"] != first


def test_a_plugin_whose_engine_is_gone_before_it_starts_ends_too() -> None:
    """Its parent is whoever adopted it, from the start; nobody listens where the engine should."""
    plugin = require("pulumi-resource-polykomos")
    command = f"'{plugin}' 127.0.0.1:9 >/dev/null & echo $!"
    number = int(subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=True, text=True).stdout)
    try:
        wait_until(lambda: not Path(f"/proc/{number}").exists())
    finally:
        kill([number])


def test_the_log_level(stack: Stack) -> None:
    stack.write({"bp": ("Blueprint", {"name": unique("log"), "sqlContent": "SELECT 1;"})})
    wrong = stack.preview(POLYKOMOS_LOG="verbose")
    assert "POLYKOMOS_LOG: 'verbose' is not a log level, so critical is used" in wrong.diagnostics
    assert "polykomos.client" not in stack.preview(POLYKOMOS_LOG="debug").output
    assert "polykomos.client:POST /blueprint_validations 200" in stack.preview("--debug", POLYKOMOS_LOG="debug").output
