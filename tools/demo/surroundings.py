"""What the story plays in: a running control plane and a Pulumi project of its own, both gone at the end."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from narration import DemoError, shown

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pulumi-yaml"


@contextmanager
def control_plane(log: Path) -> Iterator[dict[str, str]]:
    """Run `polykomos dev` with its defaults (rate limit on) on a free port; yields what it prints to export."""
    with log.open("w") as sink:
        process = subprocess.Popen(
            ["polykomos", "dev", "--ephemeral", "--port", "0"], stdout=subprocess.PIPE, stderr=sink, text=True
        )
        try:
            yield _exports(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                status = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise DemoError("the control plane did not stop within 30 s of SIGTERM") from None
    if status:
        raise DemoError(f"the control plane ended with status {status}; its log is {log}")


def _exports(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    """Return the `export NAME='value'` lines as a dictionary."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if match := re.match(r"export (\w+)=(.*)", line):
            found[match[1]] = shlex.split(match[2])[0]
        if {"POLYKOMOS_BASE_URL", "POLYKOMOS_API_KEY"} <= found.keys():
            return found
    raise DemoError(f"the control plane did not start:\n{log.read_text()[-2000:]}")


class Project:
    """A copy of the example with a state of its own, driven by the real CLI."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.directory = directory / "shop"
        shutil.copytree(EXAMPLE, self.directory)
        state = directory / "state"
        state.mkdir()
        self.env = {  # a home of its own: nothing of the user's is read or written
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_HOME": str(directory / "pulumi"),
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The plugin is installed below, as a user's would be; without this the one on PATH is taken, with warnings.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            **env,
        }
        self._install_plugin(directory)

    def _install_plugin(self, directory: Path) -> None:
        """Put the provider where the engine looks for plugins: a launcher of the one in .venv."""
        plugin = shutil.which("pulumi-resource-polykomos")
        if plugin is None:
            raise DemoError('pulumi-resource-polykomos is not on PATH: run `make demo`, or eval "$(make -s env)" first')
        launcher = directory / "plugin" / "pulumi-resource-polykomos"
        launcher.parent.mkdir()
        launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(plugin)} "$@"\n')
        launcher.chmod(0o755)
        version = metadata.version("polykomos-provider")
        self("plugin", "install", "resource", "polykomos", version, "--file", str(launcher.parent), quiet=True)

    def __call__(self, *words: str, expect: Sequence[int] = (0,), quiet: bool = False) -> str:
        """Run `pulumi words`, show command and output, and hold it to the expected exit status."""
        return shown(["pulumi", *words, "--non-interactive"], self.directory, self.env, expect=expect, quiet=quiet)


def left_running(directory: Path) -> list[str]:
    """Programs that still run for this story: those whose environment names its directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(os.getpid()) and str(directory).encode() in (process / "environ").read_bytes():
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


def is_listening(port: int) -> bool:
    """Whether anything answers on that loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
