"""A zygote of the Pulumi plugin for one worker's tests: it has loaded the provider, and forks for each engine.

Importing the provider takes a third of the CPU time of a Pulumi command, and the suite runs thousands. The engine
starts `plugin_launcher.py` as its plugin, which passes its directory, arguments, environment and streams to this
process. A fork then runs the plugin's own `serve`, as the forks of the Terraform plugin's zygote do. Stacks of the
benchmarks, of the packages and of whatever looks at the plugin's start have the plugin itself (`Stack(quick=False)`).
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

from resourcekit.plugin.fast_import import bulk_import
from resourcekit.plugin.parent_watch import set_engine_pid

# Loaded before the first fork. None of them starts a thread.
MODULES = (
    "resourcekit.pulumi.server",
    "resourcekit.pulumi.servicer",
    "resourcekit.pulumi.engine_log",
    "resourcekit.pulumi.provider_config",
    "polykomos.client.client",
    "httpx",
    "httpcore",
)
STREAMS = 3
SIZE = 4  # bytes of the request's length, and of the fork's process id


def main(address: str) -> None:
    """Serve until stdin is at its end: until the worker that started this process ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        with bulk_import():
            for module in MODULES:
                importlib.import_module(module)
            from polykomos_provider.pulumi_plugin import _package

            _package()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for the forks
        print("ready", flush=True)
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            link, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                serve(link)
            link.close()


def serve(link: socket.socket) -> None:
    """Be the plugin for the launcher at the other end. Does not return."""
    from polykomos_provider import pulumi_plugin

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
    pulumi_plugin.main()


def end_with(link: socket.socket) -> None:
    """End at once when the launcher was killed, as the process that it stands for would."""
    with contextlib.suppress(OSError):
        link.recv(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
