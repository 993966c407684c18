"""`polykomos dev --detach`, `--env` and `--stop`: as a person at a shell uses them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.control_plane import ControlPlane, wait_until

POLYKOMOS = str(Path(sys.executable).with_name("polykomos"))
KEY = "pk_live_of_the_detached"


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


class Shell:
    """A shell with a HOME of its own. Every control plane that is started in it is ended after the test."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.env = {**os.environ, "HOME": str(home), "PORT": self.port, "POLYKOMOS": POLYKOMOS, "KEY": KEY}
        for name in list(self.env):
            if name.startswith("POLYKOMOS_") or name == "XDG_STATE_HOME":
                del self.env[name]

    def run(self, text: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", f'polykomos() {{ "$POLYKOMOS" "$@"; }}\n{text}'],
            env=self.env, text=True, capture_output=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def record(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.home / ".local/state/polykomos/dev/running.json").read_text())
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.run('polykomos dev --stop --port "$PORT"')
    assert not made.answers()


def test_detach_sets_up_the_shell_and_stop_ends_it(shell: Shell) -> None:
    done = shell.run(
        'eval "$(polykomos dev --detach --port "$PORT" --api-key "$KEY")"\n'
        'curl -sS --fail --noproxy "*" "$POLYKOMOS_BASE_URL/me" -H "Authorization: Bearer $POLYKOMOS_API_KEY"\n'
        'eval "$(polykomos dev --env --port "$PORT")"; test "$POLYKOMOS_API_KEY" = "$KEY"'
    )
    assert json.loads(done.stdout)["data"]
    assert "polykomos dev --stop" in done.stderr
    log = Path(re.findall(r"Its log: (\S+)\. ", done.stderr)[0])
    assert '"migrated"' in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert shell.answers()  # the shell that started it has ended
    pid = int(str(shell.record["pid"]))
    assert os.getsid(pid) == pid  # neither Ctrl-C nor a closed terminal reaches it
    assert "Stopped" in shell.run('polykomos dev --stop --port "$PORT"').stderr
    assert not shell.answers()
    assert KEY not in log.read_text()


def test_a_second_one_is_refused_and_says_what_to_do(shell: Shell) -> None:
    shell.run('polykomos dev --detach --port "$PORT"')
    same_data = shell.run("polykomos dev --detach --port 0", status=1)
    assert "Another `polykomos dev` is running on" in same_data.stderr
    assert "polykomos dev --stop" in same_data.stderr
    same_port = shell.run('polykomos dev --detach --ephemeral --port "$PORT"', status=1)
    assert f"Cannot listen on 127.0.0.1 port {shell.port}" in same_port.stderr
    assert same_data.stdout == same_port.stdout == ""  # nothing for `eval`
    assert shell.answers()


def test_of_several_one_has_to_be_named(shell: Shell) -> None:
    shell.run('polykomos dev --detach --port "$PORT"')
    second = free_port()
    shell.run(f"polykomos dev --detach --ephemeral --port {second}")
    try:
        refused = shell.run("polykomos dev --stop", status=1)
        assert shell.port in refused.stderr
        assert second in refused.stderr
        assert shell.answers()
    finally:
        shell.run(f"polykomos dev --stop --port {second}")


def test_after_kill_9_nothing_is_running_and_it_starts_again(shell: Shell) -> None:
    key = shell.run('polykomos dev --detach --port "$PORT"').stdout
    os.kill(int(str(shell.record["pid"])), signal.SIGKILL)
    wait_until(lambda: not shell.answers())
    assert "No control plane is running" in shell.run('polykomos dev --stop --port "$PORT"').stderr
    assert "No control plane is running" in shell.run('polykomos dev --env --port "$PORT"', status=1).stderr
    assert shell.run('polykomos dev --detach --port "$PORT"').stdout == key


def test_a_start_that_fails_says_why(shell: Shell) -> None:
    (shell.home / "seed.json").write_text('{"users": [{"name": 3}]}')
    done = shell.run('polykomos dev --detach --port "$PORT" --seed "$HOME/seed.json"', status=1)
    assert "seed.json" in done.stderr
    assert "Its log is" in done.stderr
    assert done.stdout == ""


def test_one_in_a_terminal_is_stopped_only_by_its_name(shell: Shell) -> None:
    with ControlPlane("--ephemeral") as plane:
        shell.port = str(plane._port)
        shell.env["PORT"] = shell.port
        assert f":{shell.port}/" not in shell.run("polykomos dev --env || true").stdout
        shell.run('polykomos dev --stop --port "$PORT"')
        wait_until(lambda: plane.is_dead)


def test_the_export_lines_come_before_the_log(tmp_path: Path) -> None:
    command = [POLYKOMOS, "dev", "--port", "0", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.terminate()
    assert [line.split("=")[0] for line in lines[:3]] == [
        "export POLYKOMOS_BASE_URL", "export POLYKOMOS_ADMIN_TOKEN", "export POLYKOMOS_API_KEY",
    ]  # fmt: skip
    assert '"migrated"' in lines[3]


@pytest.mark.parametrize("words", ["--detach --stop", "--stop --env", "--detach --env"])
def test_only_one_of_them(shell: Shell, words: str) -> None:
    assert "exclude each other" in shell.run(f"polykomos dev {words}", status=1).stderr


def test_the_environment_sets_each_option(shell: Shell, tmp_path: Path) -> None:
    """The key is then on no command line, and `--stop` and `--env` mean the same one."""
    shell.env |= {"POLYKOMOS_DEV_PORT": shell.port, "POLYKOMOS_DEV_API_KEY": KEY}
    shell.env["POLYKOMOS_DEV_DATA_DIR"] = str(tmp_path / "elsewhere")
    assert f"POLYKOMOS_API_KEY='{KEY}'" in shell.run("polykomos dev --detach").stdout
    assert KEY not in subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True, check=True).stdout
    assert f"POLYKOMOS_API_KEY='{KEY}'" in shell.run("polykomos dev --env").stdout
    assert (tmp_path / "elsewhere" / "dev.log").exists()
    assert str(tmp_path / "elsewhere") in shell.run("polykomos dev --stop").stderr
    both = shell.run("polykomos dev --stop --ephemeral --data-dir x", status=1)
    assert "exclude each other" in both.stderr
    shell.env["POLYKOMOS_DEV_EPHEMERAL"] = "1"
    both = shell.run("polykomos dev --detach", status=1)
    assert "exclude each other" in both.stderr
    del shell.env["POLYKOMOS_DEV_EPHEMERAL"]
