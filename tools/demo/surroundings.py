"""What the story plays in: a running control plane and a Pulumi project of its own, both gone at the end."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from narration import Told, shown

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
                raise Told("the control plane did not stop within 30 s of SIGTERM") from None
    if status:
        raise Told(f"the control plane ended with status {status}; its log is {log}")


def _exports(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    """The `export NAME='value'` lines as a dictionary."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if match := re.match(r"export (\w+)=(.*)", line):
            found[match[1]] = shlex.split(match[2])[0]
        if len(found) == 2:
            return found
    raise Told(f"the control plane did not start:\n{log.read_text()[-2000:]}")


class Project:
    """A copy of the example with a state of its own, driven by the real CLI."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.directory = directory / "shop"
        shutil.copytree(EXAMPLE, self.directory)
        state = directory / "state"
        state.mkdir()
        self.env = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_HOME": str(directory / "pulumi"),
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **env,
        }

    def __call__(self, *words: str, expect: Sequence[int] = (0,), quiet: bool = False) -> str:
        """Run `pulumi words`, show command and output, and hold it to the expected exit status."""
        return shown(["pulumi", *words, "--non-interactive"], self.directory, self.env, expect=expect, quiet=quiet)
