"""The forks that serve for the plugin in most tests behave as the plugin's own process does."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.control_plane import wait_until
from support.pulumi import launcher


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A launcher, and the port that its fork serves at. Its engine's address is one where a socket listens."""
    with socket.create_server(("127.0.0.1", 0)) as engine:
        address = f"127.0.0.1:{engine.getsockname()[1]}"
        command = [*launcher(), address]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process, int(process.stdout.readline())
            finally:
                process.kill()


def is_served(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def fork_at(port: int) -> psutil.Process:
    """The process that listens at the port."""
    (found,) = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.laddr.port == port and each.status == psutil.CONN_LISTEN
    }
    return psutil.Process(found)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_fork_ends_with_its_launcher(
    running: tuple[subprocess.Popen[str], int], number: signal.Signals, tmp_path: Path
) -> None:
    launched, port = running
    assert is_served(port)
    fork = fork_at(port)
    assert fork.pid != launched.pid
    assert fork.cwd() == str(tmp_path)
    launched.send_signal(number)
    launched.wait(60)
    wait_until(lambda: not fork.is_running())
    assert not is_served(port)


def test_a_launcher_ends_with_its_fork(running: tuple[subprocess.Popen[str], int]) -> None:
    launched, port = running
    fork_at(port).kill()
    launched.wait(60)
