"""Slow provisioning, time-outs, Ctrl-C, dying plugins and engines, an API that errs: nothing lost, no traceback."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest

from support.control_plane import SLOW_SECONDS, ControlPlane, database_names, wait_until
from support.killing import kill, processes, start_up
from support.naming import unique
from support.pulumi import Stack


@pytest.fixture
def slow_stack(new_stack: Callable[..., Stack], slow: ControlPlane) -> Stack:
    return new_stack({"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key})


def test_waiting_shows_in_the_resources_row(slow_stack: Stack) -> None:
    slow_stack.write({"db": ("Database", {"name": unique("slow")})}, {"status": "${db.status}"})
    shown = slow_stack.up()
    seconds = [int(m[1]) for row in shown.rows if (m := re.match(r"provisioning, (\d+) s", row))]
    assert len(seconds) >= SLOW_SECONDS // 2, shown.rows
    assert seconds == sorted(seconds)
    assert slow_stack.outputs()["status"] == "active"
    slow_stack.destroy()


def test_a_create_that_ran_out_of_time_is_resumed(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("late")
    db = ("Database", {"name": name}, {"customTimeouts": {"create": "2s"}})
    slow_stack.write({"db": db}, {"url": "${db.connectionString}", "status": "${db.status}"})
    failed = slow_stack.up(ok=False)
    assert "still provisioning" in failed.output
    kept = slow_stack.resource("db")
    assert kept["initErrors"]
    assert kept["id"] == kept["outputs"]["uuid"]
    resumed = slow_stack.up()
    assert resumed.ops == {"db": "update"}
    assert slow_stack.resource("db")["id"] == kept["id"]
    assert "initErrors" not in slow_stack.resource("db")
    assert slow_stack.outputs()["status"] == "active"
    assert database_names(slow).count(name) == 1
    slow_stack.assert_no_changes()
    slow_stack.destroy()


def test_ctrl_c_ends_the_wait_at_once_and_keeps_the_id(slow_stack: Stack, slow: ControlPlane) -> None:
    name = unique("break")
    slow_stack.write({"db": ("Database", {"name": name})}, {"status": "${db.status}"})
    process = start_up(slow_stack)
    wait_until(lambda: name in database_names(slow))
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode != 0, output
    assert time.monotonic() - began < SLOW_SECONDS - 1, "the wait ended at once"
    assert "Traceback" not in output
    exported = slow_stack.state()["deployment"]
    assert not exported.get("pending_operations")
    kept = slow_stack.resource("db")["id"]
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
    output, _ = process.communicate(timeout=60)
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
    wait_until(lambda: not processes(home, "pulumi-resource-polykomos"), seconds=10)


def test_an_api_that_is_gone_or_refuses_is_told_in_words(new_stack: Callable[..., Stack], slow: ControlPlane) -> None:
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
