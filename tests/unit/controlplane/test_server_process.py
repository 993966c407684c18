"""Database servers end with the control plane, even where the kernel does not see to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from controlplane.engines import process as server_process
from support.control_plane import wait_until

# Starts the server and its watch, prints the server's pid, and waits.
_PARENT = """
import signal, subprocess, sys, time
from controlplane.engines.process import ParentWatch
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job of a shell is started with SIGINT ignored
watch = ParentWatch("postgres", signal.SIGINT)
server = subprocess.Popen([sys.argv[1], "600"], start_new_session=True)
watch.begin(server.pid)
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A program that is called as PostgreSQL's server is."""
    return Path(shutil.copy(str(shutil.which("sleep")), tmp_path / "postgres"))


@pytest.mark.parametrize("name", ["postgres", "other"])
def test_a_server_ends_with_its_parent(server: Path, name: str) -> None:
    program = server.rename(server.with_name(name))
    with subprocess.Popen([sys.executable, "-c", _PARENT, program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watches = [each for each in psutil.Process(parent.pid).children() if each.name() == "sh"]
        parent.kill()
    psutil.wait_procs(watches, timeout=60)
    if name == "postgres":
        wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", seconds=60)
    else:
        assert psutil.Process(pid).status() != "zombie", "another program may have the pid by now"
        os.kill(pid, signal.SIGKILL)


def test_a_leftover_server_is_found_by_where_it_works_and_ended(server: Path, tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for directory in (data, elsewhere):
        directory.mkdir()
    with subprocess.Popen([server, "600"], cwd=data) as ours, subprocess.Popen([server, "600"], cwd=elsewhere) as other:
        assert server_process.find_in(data, "postgres") == ours.pid
        assert server_process.find_in(data, "mariadbd") is None
        assert not server_process.works_in(other.pid, data)

        def find() -> int | None:
            return None if ours.poll() is not None else server_process.find_in(data, "postgres")

        server_process.stop_stale_process(find, (signal.SIGTERM, signal.SIGKILL), patience=0.1)
        assert ours.wait(60) == -signal.SIGTERM
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(("ignored", "ended_by"), [("", signal.SIGTERM), ("TERM", signal.SIGKILL)])
def test_a_server_is_stopped_by_the_mildest_signal_that_works(ignored: str, ended_by: signal.Signals) -> None:
    script = (f"trap '' {ignored}; " if ignored else "") + "echo ready; exec sleep 600"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        patience = 0.1 if ignored else 60.0
        server_process.stop_process(process, (signal.SIGTERM, signal.SIGKILL), patience=patience)
        assert process.wait(60) == -ended_by
        server_process.stop_process(process, (signal.SIGTERM,))
