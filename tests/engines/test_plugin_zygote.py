"""The forks that serve for the plugins in most tests behave as the plugins' own processes do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from resourcekit.terraform.handshake import COOKIE
from support.control_plane import wait_until
from support.quick_plugin import PULUMI, TERRAFORM, command
from support.terraform import ENGINES, Workspace


@dataclass(frozen=True)
class Running:
    """A launcher, and where its fork serves."""

    launched: subprocess.Popen[str]
    address: str | tuple[str, int]

    @property
    def is_served(self) -> bool:
        with socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET) as client:
            return client.connect_ex(self.address) == 0

    def fork(self) -> psutil.Process:
        """The process that listens there."""
        listening = {
            each.pid
            for each in psutil.net_connections("all")
            if each.laddr == self.address or (each.status == psutil.CONN_LISTEN and each.laddr.port == self.address[1])
        }
        (found,) = listening - {None}
        return psutil.Process(found)


@pytest.fixture(params=[PULUMI, TERRAFORM])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """For Pulumi, the engine's address is one where a socket listens. For Terraform, the engine is this process."""
    with socket.create_server(("127.0.0.1", 0)) as engine:
        arguments = [f"127.0.0.1:{engine.getsockname()[1]}"] if request.param == PULUMI else []
        words, env = [*command(request.param), *arguments], {**os.environ, COOKIE[0]: COOKIE[1]}
        with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline().strip()
                yield Running(process, line.split("|")[3] if "|" in line else ("127.0.0.1", int(line)))
            finally:
                process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_fork_ends_with_its_launcher(running: Running, number: signal.Signals, tmp_path: Path) -> None:
    assert running.is_served
    fork = running.fork()
    assert fork.pid != running.launched.pid
    assert fork.cwd() == str(tmp_path)
    running.launched.send_signal(number)
    running.launched.wait(60)
    wait_until(lambda: not fork.is_running())
    assert not running.is_served


@pytest.mark.parametrize("running", [PULUMI], indirect=True)
def test_a_fork_of_pulumis_plugin_ends_with_ctrl_c(running: Running) -> None:
    fork = running.fork()
    running.launched.send_signal(signal.SIGINT)
    running.launched.wait(60)
    wait_until(lambda: not fork.is_running())


@pytest.mark.parametrize("running", [TERRAFORM], indirect=True)
def test_a_fork_of_terraforms_plugin_leaves_ctrl_c_to_the_engine(running: Running) -> None:
    running.launched.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        running.launched.wait(1)
    assert running.is_served


def test_a_launcher_ends_with_its_fork(running: Running) -> None:
    running.fork().kill()
    running.launched.wait(60)


@pytest.mark.parametrize("engine", ENGINES)
def test_workspaces_have_it(engine: str, new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(engine)
    text = (workspace.directory / "cli.tfrc").read_text()
    assert f'"polykomos/polykomos" = "{Path(command(TERRAFORM)[-1]).parent}' in text
    workspace.write('data "polykomos_account" "me" {}\noutput "me" { value = data.polykomos_account.me.key_name }')
    workspace.apply()
    assert workspace.outputs()
