"""Restart, kill -9, clean stop: nothing is lost, nothing is doubled, nothing lingers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import (
    ControlPlane,
    create_database,
    new_key,
    wait_active,
    wait_until,
)


@pytest.fixture
def persistent(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[ControlPlane]:
    """No pool and two seconds of provisioning."""
    arguments = ["--rate-limit", "0", "--pool-size", "0", "--provision-delay", "2"]
    with ControlPlane("--data-dir", str(tmp_path / "data"), *arguments) as plane:
        yield plane


def servers_below(directory: Path) -> list[int]:
    """Processes whose working directory is inside `directory`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(directory):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_everything_is_there_after_a_restart(persistent: ControlPlane, end: str) -> None:
    with persistent.client() as api:
        header = new_key()
        first = api.post("/databases", params={"wait": "true"}, json={"name": "orders"}, headers=header)
        made = first.json()["data"]
        api.patch(f"/databases/{made['uuid']}", json={"name": "renamed"}, headers=new_key())
    with psycopg.connect(made["connection_string"]) as conn:
        conn.execute("CREATE TABLE persistent AS SELECT 42 AS answer")
    key = persistent.api_key
    getattr(persistent, end)()
    persistent.restart()
    assert persistent.api_key == key
    with persistent.client() as api:
        again = api.get(f"/databases/{made['uuid']}").json()["data"]
        replay = api.post("/databases", params={"wait": "true"}, json={"name": "orders"}, headers=header)
        assert len(api.get("/databases").json()["data"]) == 1
    assert (again["name"], again["connection_string"]) == ("renamed", made["connection_string"])
    assert replay.json()["idempotency_replay"] is True
    assert replay.json()["data"] == made
    with psycopg.connect(made["connection_string"]) as conn:
        assert conn.execute("SELECT answer FROM persistent").fetchone() == (42,)


def test_a_killed_provisioning_goes_on_and_makes_one_database(slow: ControlPlane) -> None:
    with slow.client() as api:
        accepted = api.post("/databases", json={"name": "cold"}, headers=new_key())
        assert accepted.status_code == 202
    slow.kill()
    slow.restart()
    with slow.client() as api:
        made = wait_active(api, accepted.json()["data"]["uuid"])
    with psycopg.connect(made["connection_string"]) as conn:
        rows = conn.execute("SELECT datname FROM pg_database WHERE datname ~ '^(cold|instance)' ").fetchall()
        roles = conn.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^u[0-9]+$'").fetchall()
    assert rows == [(made["db_name"],)]
    assert roles == [(made["db_username"],)]


def test_kills_at_any_moment_of_provisioning_leave_it_whole(slow: ControlPlane) -> None:
    with slow.client() as api:
        accepted = api.post("/databases", json={"name": "cold"}, headers=new_key())
    uuid = accepted.json()["data"]["uuid"]
    time.sleep(1.9)
    for pause in (0.15, 0.03, 0.08):
        slow.kill()
        slow.restart()
        time.sleep(pause)
    with slow.client() as api:
        made = wait_active(api, uuid)
        with psycopg.connect(made["connection_string"]) as conn:
            assert conn.execute("SELECT count(*) FROM pg_roles WHERE rolname ~ '^u[0-9]+$'").fetchone() == (1,)


def test_a_key_left_in_progress_by_a_killed_process_answers_again(slow: ControlPlane) -> None:
    header = new_key()

    def create_and_wait() -> None:
        with slow.client() as api, pytest.raises(httpx.TransportError):
            api.post("/databases", params={"wait": "true"}, json={"name": "cold"}, headers=header)

    waiting = threading.Thread(target=create_and_wait)
    with slow.client() as api:
        waiting.start()
        wait_until(lambda: api.get("/databases").json()["data"])
        busy = api.post("/databases", params={"wait": "true"}, json={"name": "cold"}, headers=header)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_progress")
    slow.kill()
    waiting.join()
    slow.restart()
    with slow.client() as api:
        again = api.post("/databases", params={"wait": "true"}, json={"name": "cold"}, headers=header)
        assert (again.status_code, again.json()["idempotency_replay"]) == (202, True)
        wait_active(api, again.json()["data"]["uuid"])
        assert len(api.get("/databases").json()["data"]) == 1


def test_a_wait_ends_at_once_when_the_control_plane_stops(tmp_path: Path) -> None:
    arguments = ["--pool-size", "0", "--provision-delay", "60"]
    replies: list[httpx.Response] = []
    with ControlPlane("--data-dir", str(tmp_path / "data"), *arguments) as plane, plane.client() as api:

        def create_and_wait() -> None:
            replies.append(api.post("/databases", params={"wait": "true"}, json={"name": "cold"}, headers=new_key()))

        waiting = threading.Thread(target=create_and_wait)
        waiting.start()
        with plane.client() as other:
            wait_until(lambda: other.get("/databases").json()["data"])
        started = time.monotonic()
        assert plane.stop() == 0
        waiting.join()
        assert time.monotonic() - started < 30
    assert [reply.status_code for reply in replies] == [202]


def test_postgresql_ends_with_a_killed_control_plane(persistent: ControlPlane, tmp_path: Path) -> None:
    assert servers_below(tmp_path)
    persistent.kill()
    wait_until(lambda: not servers_below(tmp_path))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(persistent: ControlPlane, tmp_path: Path, sign: signal.Signals) -> None:
    with persistent.client() as api:
        create_database(api)
    os.kill(persistent.pid, sign)
    assert persistent.stop() in (0, None)
    assert not servers_below(tmp_path)
    assert "exception" not in persistent.log_text


def test_a_data_directory_serves_one_at_a_time(persistent: ControlPlane, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("polykomos")), "dev", "--port", "0"]
    second: Any = subprocess.run(
        [*command, "--data-dir", str(tmp_path / "data")], capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert "Another `polykomos dev` is running" in second.stderr
    assert "Traceback" not in second.stderr
    with persistent.client() as api:
        assert api.get("/me").status_code == 200
