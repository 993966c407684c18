"""A plugin that starts quickly: a fork of a process that has loaded the provider already (`plugin_zygote.py`)."""

from __future__ import annotations

import atexit
import functools
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PULUMI = "pulumi-resource-polykomos"
TERRAFORM = "terraform-provider-polykomos"


@functools.cache
def command(program: str) -> tuple[str, ...]:
    """Start this worker's zygote of a plugin. Returns the command that engines start in place of the plugin."""
    directory = Path(tempfile.mkdtemp(prefix="plugin-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    launcher, address = directory / program, directory / "socket"
    shutil.copy(Path(__file__).with_name("plugin_launcher.py"), launcher)
    # -P: this file's directory has a `pulumi`, too.
    zygote = [sys.executable, "-P", Path(__file__).with_name("plugin_zygote.py"), program, address]
    # In a group of its own: Ctrl-C is for pytest. It ends with its stdin, which is this process's.
    process = subprocess.Popen(zygote, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    atexit.register(process.communicate)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return sys.executable, "-IS", str(launcher), str(address)


def install(directory: Path, program: str, words: tuple[str, ...]) -> None:
    """Write a plugin's program into a directory: a script that starts `words` with the engine's arguments."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / program
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)


@functools.cache
def directory(program: str) -> Path:
    """A directory where the quick plugin is under its program's name."""
    made = Path(command(program)[-1]).parent / "bin"
    install(made, program, command(program))
    return made
