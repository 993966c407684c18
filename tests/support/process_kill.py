"""Engines and plugins that are killed in the middle of something."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from support.control_plane import wait_until
from support.pulumi import Stack
from support.terraform import Workspace


def processes(home: Path, program: str) -> list[int]:
    """Our own processes of `program` whose environment names `home`: those of one stack or workspace."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            named = any(Path(word.decode()).name == program for word in words[:3])
            if named and f"={home}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except (OSError, UnicodeDecodeError):
            continue
    return found


def start_up(stack: Stack, *words: str, command: str = "up") -> subprocess.Popen[str]:
    """`pulumi up`, or another command of its kind, left running."""
    at_once = () if command == "preview" else ("--yes", "--skip-preview")
    command_line = [stack.pulumi, command, *at_once, "--non-interactive", "--stack", "dev", *words]
    return subprocess.Popen(
        command_line, cwd=stack.directory, env=stack.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def kill(pids: list[int]) -> None:
    """SIGKILL, those that have ended already left out."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_up(stack: Stack, when: Callable[[], object], *words: str) -> None:
    """`pulumi up`, engine and plugin killed as soon as `when` holds."""
    process = start_up(stack, *words)
    try:
        wait_until(when, seconds=60, every=0.02)
    finally:
        home = stack.directory / ".home" / ".pulumi"
        process.kill()
        process.communicate()
        kill(processes(home, "pulumi-resource-polykomos"))
    wait_until(lambda: not processes(home, "pulumi-resource-polykomos"))
    after_kill(stack)


def after_kill(stack: Stack) -> None:
    """What a user does whose `pulumi` was killed: put back the checkpoint that it was about to write over, where that
    left an empty one (the file backend does not write it at once), and take its lock away.
    """
    for checkpoint in (stack.directory / ".state").glob(".pulumi/stacks/*/dev.json"):
        try:
            json.loads(checkpoint.read_text())
        except ValueError:
            shutil.copy(checkpoint.with_name("dev.json.bak"), checkpoint)
    stack.run("cancel", "--yes", "--stack", "dev", ok=None)


def kill_apply(workspace: Workspace, when: Callable[[], object], *words: str) -> None:
    """`apply`, engine and plugin killed as soon as `when` holds."""
    process = workspace.start("apply", "-auto-approve", "-lock=false", *words)
    config = Path(workspace.env["TF_CLI_CONFIG_FILE"])
    try:
        wait_until(when, seconds=60, every=0.02)
    finally:
        process.kill()
        process.communicate()
        kill(processes(config, "terraform-provider-polykomos"))
    wait_until(lambda: not processes(config, "terraform-provider-polykomos"))
    (workspace.directory / ".terraform.tfstate.lock.info").unlink(missing_ok=True)
