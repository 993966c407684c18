"""Plugin processes that need not load, because one of the same engine has loaded for them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from support.control_plane import wait_until
from support.tfplugin import COOKIE

COMMAND = [sys.executable, "-m", "polykomos_provider.terraform_plugin"]
# An engine that starts two plugins, tells of both, and goes on until it is killed.
ENGINE = f"""
import subprocess, sys, time
started = [subprocess.Popen({COMMAND!r}, stdout=subprocess.PIPE, text=True) for _ in range(2) if not time.sleep(1 * _)]
for each in started:
    print(each.pid, each.stdout.readline(), end="", flush=True)
time.sleep(60)
"""

# A plugin that only says who started it.
ASKING = """
import os, sys
from resourcekit.plugin.parent_watch import engine_pid
from resourcekit.terraform import zygote

def serve(watch, shared):
    print(engine_pid(), os.getpid(), flush=True)
    return 7

def prepare():
    yield from range(3)

sys.exit(zygote.serve_forked(serve, prepare))
"""

# A plugin whose process takes its time to prepare for SIGTERM, as on a machine with much other work.
SLOW = """
import signal, sys, threading, time
from resourcekit.terraform import zygote

def serve(watch, shared):
    ended = threading.Event()
    watch(ended.set)
    print("serving", flush=True)
    ended.wait()
    return 7

def prepare():
    yield from range(3)

def slowly(number, handler, set_handler=signal.signal):
    time.sleep(number == signal.SIGTERM)
    set_handler(number, handler)

signal.signal = slowly
sys.exit(zygote.serve_forked(serve, prepare))
"""


@pytest.fixture(autouse=True)
def _where_there_are_zygotes() -> None:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        pytest.skip("this system tells of no process's end, so plugins leave no zygote")


class Plugin:
    """One started plugin process, and the process that serves for it."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        self.process = process
        self.socket = line.split("|")[3]
        self.server = _server(self.socket)

    @property
    def is_forked(self) -> bool:
        return self.server != self.process.pid

    @property
    def zygote(self) -> int:
        assert self.is_forked
        return _parent(self.server)


def _server(address: str) -> int:
    """Who listens there."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(address)
        return int.from_bytes(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def _stat(pid: int) -> list[str]:
    """From its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _is_there(pid: int) -> bool:
    try:
        return _stat(pid)[0] != "Z"
    except FileNotFoundError:
        return False


def _zygotes() -> set[str]:
    """Where the zygotes of this process's plugins listen."""
    names = (line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines())
    return {name for name in names if name.startswith("@terraform-plugin-") and f"-{os.getpid()}-" in name}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Plugin]]:
    """Plugins of one program of this test's own, so that no zygote of another test is theirs."""
    started: list[subprocess.Popen[str]] = []

    def one(**env: str) -> Plugin:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        own = {"PYTHONPATH": str(tmp_path), "PLUGIN_UNIX_SOCKET_DIR": str(directory)}
        process = subprocess.Popen(
            COMMAND, env={**os.environ, **COOKIE, **own, **env}, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        plugin = Plugin(process, process.stdout.readline())
        assert Path(plugin.socket).is_relative_to(directory), "each has the environment that it was started with"
        return plugin

    yield one
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_second_process_of_an_engine_is_served_by_a_fork(start: Callable[..., Plugin]) -> None:
    first, second, third = start(), start(), start()
    assert [each.is_forked for each in (first, second, third)] == [False, True, True]
    assert second.zygote == third.zygote != first.process.pid
    assert "pydantic_core" not in Path(f"/proc/{second.process.pid}/maps").read_text(), "it has loaded nothing"
    with grpc.insecure_channel(f"unix:{second.socket}") as channel:
        assert channel.unary_unary("/tfplugin6.Provider/GetMetadata")(b"")
        channel.unary_unary("/plugin.GRPCController/Shutdown")(b"")
    assert second.process.wait(60) == 0
    assert not Path(second.socket).parent.exists()


def test_the_first_ends_although_its_zygote_goes_on(start: Callable[..., Plugin]) -> None:
    """The engine waits for the end of a plugin's output as well."""
    first, second = start(), start()
    first.process.terminate()
    assert first.process.communicate(timeout=60) == ("", None)
    assert _is_there(second.zygote)
    assert start().is_forked


def test_a_stopped_plugin_ends_with_its_fork(start: Callable[..., Plugin]) -> None:
    start()
    plugin = start()
    plugin.process.terminate()
    assert plugin.process.wait(60) == 0
    wait_until(lambda: not _is_there(plugin.server), seconds=60)


def test_a_plugin_serves_once_it_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(SLOW)
    command = [sys.executable, tmp_path / "plugin.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == b"serving\n"
            second.terminate()
            assert second.wait(60) == 7
        first.kill()


def test_a_plugin_that_is_killed_takes_its_fork_along(start: Callable[..., Plugin]) -> None:
    start()
    plugin = start()
    plugin.process.kill()
    wait_until(lambda: not _is_there(plugin.server), seconds=60)
    assert start().is_forked


def test_a_fork_that_is_killed_ends_its_plugin(start: Callable[..., Plugin]) -> None:
    start()
    plugin = start()
    os.kill(plugin.server, signal.SIGKILL)
    assert plugin.process.wait(60) == 1


def test_ctrl_c_is_for_the_engine(start: Callable[..., Plugin]) -> None:
    start()
    plugin = start()
    plugin.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        plugin.process.wait(0.5)
    assert _is_there(plugin.server)


def test_a_fork_knows_whose_plugin_it_is(tmp_path: Path) -> None:
    """The engine is asked for its state where nothing else tells what a create is to be called."""
    (tmp_path / "plugin.py").write_text(ASKING)
    pids = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, tmp_path / "plugin.py"], stdout=subprocess.PIPE, text=True) as process:
            told, _ = process.communicate(timeout=60)
        engine, server = map(int, told.split())
        assert engine == os.getpid()
        assert process.returncode == 7
        pids.append(server == process.pid)
    assert pids == [True, False, False]


def test_without_a_zygote_a_plugin_serves_by_itself_and_leaves_another(start: Callable[..., Plugin]) -> None:
    start()
    killed = start().zygote
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not _is_there(killed))
    assert not start().is_forked
    assert start().is_forked


def test_the_zygote_and_its_forks_end_with_the_engine(tmp_path: Path) -> None:
    env = {**os.environ, **COOKIE, "PLUGIN_UNIX_SOCKET_DIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", ENGINE], env=env, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        pids = []
        for is_forked in (False, True):
            pid, _, line = engine.stdout.readline().partition(" ")
            server = _server(line.split("|")[3])
            assert (server != int(pid)) is is_forked
            pids += [int(pid), server]
        zygote = _parent(server)
        engine.kill()
    wait_until(lambda: not _is_there(zygote), seconds=60)
    wait_until(lambda: not any(map(_is_there, pids)), seconds=10)
    assert list(tmp_path.iterdir()) == [], "the sockets are gone, too"


@pytest.mark.parametrize("become", ["os.setuid(65534)", "pass"])
def test_nobody_else_is_served(become: str, start: Callable[..., Plugin]) -> None:
    """Not another user's process, nor one that the engine has not started."""
    if os.getuid() != 0 and become != "pass":
        pytest.skip("only root can be somebody else")
    before = _zygotes()
    start()
    zygote = start().zygote
    (address,) = _zygotes() - before
    connect = (
        f"import os, socket; {become}; link = socket.socket(socket.AF_UNIX); "
        f"link.connect('\\0{address[1:]}'); socket.send_fds(link, [(4).to_bytes(4, 'big')], [0, 1, 2]); "
        "link.sendall(b'A=bc'); print(link.recv(1))"
    )
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit', "sh", sys.executable, "-I", "-c", connect],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "b'b'" not in done.stdout, "it would have been told that one had begun"
    assert _is_there(zygote)
    assert start().is_forked, "and those whose it is still are"


def test_one_whose_engine_is_gone_leaves_none(tmp_path: Path) -> None:
    """Whoever has adopted it is no engine, and does not end."""
    before = _zygotes()
    reading, writing = os.pipe()
    os.close(reading)
    env = {**os.environ, **COOKIE, "PLUGIN_UNIX_SOCKET_DIR": str(tmp_path)}
    with subprocess.Popen(COMMAND, env=env, stdout=writing, stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        process.wait(60)
    assert _zygotes() == before


def test_the_zygote_can_be_turned_off(start: Callable[..., Plugin]) -> None:
    before = _zygotes()
    assert not start(POLYKOMOS_NO_ZYGOTE="1").is_forked
    assert not start(POLYKOMOS_NO_ZYGOTE="1").is_forked
    assert _zygotes() == before
