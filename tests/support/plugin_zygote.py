"""A zygote of a plugin for one worker's tests: it has loaded the provider, and forks for each engine.

Importing the provider takes a third of the CPU time of a Pulumi command and most of that of a Terraform command, and
the suite runs thousands. The engine starts `plugin_launcher.py` as its plugin, which passes its directory, arguments,
environment and streams to this process. A fork then serves, as the forks of the Terraform plugin's own zygote do.
Stacks and workspaces of the benchmarks, of the packages and of whatever looks at the plugin's start and end have it
without a zygote (`Stack(quick=False)`, `Workspace(quick=False)`).
"""

from __future__ import annotations

import contextlib
import importlib
import marshal
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from resourcekit.plugin.fast_import import bulk_import
from resourcekit.plugin.parent_watch import exit_when_stdout_closes, set_engine_pid
from resourcekit.terraform import zygote
from resourcekit.terraform.handshake import COOKIE

# Loaded before the first fork of the Pulumi plugin. None of them starts a thread.
MODULES = (
    "resourcekit.pulumi.server",
    "resourcekit.pulumi.servicer",
    "resourcekit.pulumi.engine_log",
    "resourcekit.pulumi.provider_config",
    "httpx",
    "httpcore",
)
# The modules of the clients, where they have not the usual name `VENDOR.api`.
CLIENTS = {"polykomos": "polykomos.client.client"}
STREAMS = 3
SIZE = 4  # bytes of the request's length, and of the fork's process id

# Serves in a fork; its parameter is a file in memory that the forks of one engine process share.
Run = Callable[[int], object]


def main(program: str, address: str) -> None:
    """Serve until stdin is at its end: until the worker that started this process ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        (pulumi if program.startswith("pulumi-resource-") else terraform)(program, listener)


def pulumi(program: str, listener: socket.socket) -> None:
    """Be the zygote of a Pulumi plugin."""
    vendor = program.removeprefix("pulumi-resource-")
    with bulk_import():
        for module in (*MODULES, CLIENTS.get(vendor, f"{vendor}.api")):
            importlib.import_module(module)
        importlib.import_module(f"{vendor}.package").package()
    serve_plugin = entry_point(program)
    fork_for_each(listener, lambda _shared: serve_plugin())


def terraform(program: str, listener: socket.socket) -> None:
    """Be the zygote of a Terraform plugin: in place of the one that the plugin would start for its engine."""

    def serve_forked(serve: zygote.Serve, prepare: zygote.Prepare) -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with bulk_import():
            for _ in prepare():
                pass
        fork_for_each(listener, lambda shared: os._exit(serve(exit_when_stdout_closes, shared)))
        return 0

    zygote.serve_forked = serve_forked
    os.environ[COOKIE[0]] = COOKIE[1]
    sys.argv[1:] = []
    entry_point(program)()


def entry_point(program: str) -> Callable[[], object]:
    """What the installed program calls."""
    (found,) = entry_points(group="console_scripts", name=program)
    function: Callable[[], object] = found.load()
    return function


def fork_for_each(listener: socket.socket, run: Run) -> None:
    """Let a fork serve for each launcher that connects."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for the forks
    print("ready", flush=True)
    files: dict[int, int] = {}
    while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
        link, _ = listener.accept()
        engine = engine_of(link)
        if engine is not None:
            shared = shared_file(engine, files)
            if os.fork() == 0:
                listener.close()
                serve(link, partial(run, shared))
        link.close()


def engine_of(link: socket.socket) -> int | None:
    """The process that has started the launcher at the other end; None if the launcher was killed."""
    try:
        return int(zygote._stat(zygote._peer(link) or 0)[zygote._PARENT])
    except OSError:
        return None


def shared_file(engine: int, files: dict[int, int]) -> int:
    """The file in memory of an engine process. Those of engines that have ended are closed."""
    for ended in [pid for pid in files if not Path(f"/proc/{pid}").exists()]:
        os.close(files.pop(ended))
    if engine not in files:
        files[engine] = os.memfd_create("plugins")
    return files[engine]


def serve(link: socket.socket, run: Callable[[], object]) -> None:
    """Be the plugin for the launcher at the other end. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(link, SIZE, STREAMS)
    request = marshal.loads(link.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    pid, directory, sys.argv, environment = request
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(directory)
    os.environb.clear()
    os.environb.update(environment)
    set_engine_pid(pid)
    link.sendall(os.getpid().to_bytes(SIZE, "big"))
    threading.Thread(target=end_with, args=[link], daemon=True).start()
    run()
    os._exit(0)


def end_with(link: socket.socket) -> None:
    """End at once when the launcher was killed, as the process that it stands for would."""
    with contextlib.suppress(OSError):
        link.recv(1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
