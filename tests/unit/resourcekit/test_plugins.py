"""What both kinds of plugin share: their log's level, the end with their engine, a start that fails."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import psutil
import pytest

from polykomos.package import package
from resourcekit.plugin.lazy_service import LazyGrpcService
from resourcekit.plugin.logging import parse_level
from resourcekit.plugin.parent_watch import is_listening
from resourcekit.terraform.protocol import tfplugin6_pb2 as tf
from resourcekit.terraform.provider_server import ProviderServer
from support.tfplugin import COOKIE


@pytest.mark.parametrize("given", [None, "", "info", " INFO "])
def test_a_level_that_is_one(given: str | None) -> None:
    assert parse_level(given, "info") == ("info", "")


def test_an_unknown_log_level_is_reported_and_the_default_is_used() -> None:
    level, problem = parse_level("verbose", "critical")
    assert level == "critical"
    assert "'verbose' is not a log level" in problem
    assert "debug, info" in problem


def test_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert is_listening(address)
    assert not is_listening(address)
    assert is_listening("no address"), "only a refusal says that nobody is there"


def test_a_terraform_plugin_ends_with_an_engine_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "polykomos_provider.terraform_plugin"]
    env = {**os.environ, **COOKIE, "PLUGIN_UNIX_SOCKET_DIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"1|6|unix|")
        process.stdout.close()  # as the system does for one that is killed
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == [], "and takes its socket away"


@pytest.mark.parametrize("is_forked", [False, True])
def test_a_signal_that_another_thread_receives_ends_a_plugin(is_forked: bool, tmp_path: Path) -> None:
    """The main thread goes on waiting then, as for a signal that arrives just before it begins to wait."""
    command = [sys.executable, "-m", "polykomos_provider.terraform_plugin"]
    env = {**os.environ, **COOKIE, "PLUGIN_UNIX_SOCKET_DIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    if not is_forked:
        env["POLYKOMOS_NO_ZYGOTE"] = "1"
    with contextlib.ExitStack() as started:
        for _ in range(1 + is_forked):
            process = started.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, env=env))
            started.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline()
        spent = None
        while spent != (spent := psutil.Process(process.pid).cpu_times()):  # until it has loaded
            time.sleep(0.5)
        other = max(int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir())
        os.kill(other, signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_schema_is_served_without_loading_the_resources(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "polykomos_provider.terraform_plugin"]
    env = {
        **os.environ,
        **COOKIE,
        "POLYKOMOS_NO_ZYGOTE": "1",
        "PLUGIN_UNIX_SOCKET_DIR": str(tmp_path),
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split("|")[3]
        with grpc.insecure_channel(f"unix:{address}") as channel:
            ask = channel.unary_unary("/tfplugin6.Provider/GetProviderSchema")
            told = tf.GetProviderSchema.Response.FromString(ask(b""))
            assert not _has_loaded(process.pid, "pydantic_core")
            channel.unary_unary("/tfplugin6.Provider/GetMetadata")(b"")
            assert _has_loaded(process.pid, "pydantic_core"), "other calls need it"
        process.terminate()
        assert process.wait(60) == 0
    assert told == ProviderServer(package()).method_table()["GetProviderSchema"](tf.GetProviderSchema.Request(), None)


def _has_loaded(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()


def test_a_start_that_fails_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> dict[str, object]:
        raise ModuleNotFoundError("No module named 'polykomos'")

    assert LazyGrpcService("service", fails).load() is False
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cannot start: ModuleNotFoundError: No module named 'polykomos'" in told
