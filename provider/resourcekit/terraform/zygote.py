"""A zygote: a process that has loaded everything and forks, so that the next plugin of the same command need not load.

Terraform starts a provider two to five times per command, one process after the other. The first process starts a
zygote. A later process passes its environment, stdin, stdout and stderr to the zygote, and waits while a fork of the
zygote serves. A zygote belongs to one engine process and ends with it. Without a zygote, a plugin process serves
itself.

The processes connect through an abstract unix socket (Linux), whose name identifies the engine process and the program.
Both sides check with the kernel that the other process is the same user's. The zygote also checks that its engine has
started the other process.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import select
import signal
import socket
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from functools import partial

from resourcekit.plugin.fast_import import bulk_import
from resourcekit.plugin.parent_watch import Watch, exit_when_stdout_closes, set_engine_pid, stdout_has_reader
from resourcekit.plugin.signals import call_on_signal

# How long a plugin process waits for the zygote, which may still be loading, before it serves itself.
_PATIENCE_SECONDS = 10.0
_STREAMS = (0, 1, 2)
# Fields of /proc/…/stat after the name.
_PARENT, _BEGAN = 1, 19
_SIZE = 4  # bytes of the environment's length
_BEGUN, _READY, _END = b"b", b"r", b"e"

# Parameters: how to watch the engine, and a file in memory that the forks of one zygote share.
Serve = Callable[[Watch, int | None], int]
Prepare = Callable[[], Iterator[None]]


# Not a dataclass: importing those takes a third of the time that a plugin process needs before it finds the zygote.
class EngineProcess:
    """The process that started this one.

    Attributes:
        pid: Its process id.
        pidfd: A file descriptor that is readable once the process has ended.
        address: The socket address of its zygote.
    """

    def __init__(self, pid: int, pidfd: int, address: str) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.address = address


def serve_forked(serve: Serve, prepare: Prepare) -> int:
    """Serve, in a fork of this engine's zygote or in this process.

    Args:
        serve: Serves in the current process.
        prepare: Loads modules in three stages, with a `yield` after each: those that every process needs, those that
            the second process needs, and those that later ones need. It must not start a thread, because a fork has
            only the thread that forked.

    Returns:
        The exit status.
    """
    # `serve` does the same; this is for the time in which the process waits or loads.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engine = _engine()
    if engine is not None:
        status = _delegate(engine.address)
        if status is not None:
            return status
        stages = prepare()
        next(stages)
        _spawn_zygote(engine, serve, stages)
        os.close(engine.pidfd)
    return serve(exit_when_stdout_closes, None)


def _engine() -> EngineProcess | None:
    """Return the engine process; None if a zygote is not possible: without Linux, or without a running engine."""
    pid = os.getppid()
    try:
        began = _stat(pid)[_BEGAN].decode()
        # Another container may share the network, and with it the socket's name.
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116
        program = binascii.crc32("\0".join((sys.executable, sys.argv[0], *sys.path)).encode())
        address = f"\0terraform-plugin-{os.geteuid()}-{space}-{pid}-{began}-{program:x}"
        pidfd = os.pidfd_open(pid)
    except (AttributeError, OSError, IndexError):
        return None
    if stdout_has_reader():
        return EngineProcess(pid, pidfd, address)
    os.close(pidfd)  # the engine has ended: the parent is the process that adopted this one
    return None


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat after the name. The name is in brackets and may contain any character."""
    with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - importing pathlib takes longer
        return stat.read().rpartition(b")")[2].split()


def _peer(link: socket.socket) -> int | None:
    """Return the process at the other end; None if it is another user's or in another container."""
    pid, user, _ = array("i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid if pid > 0 and user == os.geteuid() else None


def _is_started_by(engine: EngineProcess, link: socket.socket) -> bool:
    """Return whether the engine started the process at the other end."""
    pid = _peer(link)
    try:
        return pid is not None and int(_stat(pid)[_PARENT]) == engine.pid
    except OSError:
        return False


def _delegate(address: str) -> int | None:
    """Return the exit status of the fork that served; None if no fork began to serve."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_PATIENCE_SECONDS)
        try:
            link.connect(address)
            if _peer(link) is None:
                return None
            environment = b"\0".join(b"%s=%s" % item for item in os.environb.items())
            socket.send_fds(link, [len(environment).to_bytes(_SIZE, "big")], _STREAMS)
            link.sendall(environment)
            if link.recv(1) != _BEGUN:
                return None
            link.settimeout(None)
        except OSError:
            return None
        end = partial(_send, link, _END)
        call_on_signal((signal.SIGTERM,), end)
        exit_when_stdout_closes(end)
        # The fork serves only from here on: a SIGTERM that arrives earlier ends this process and leaves nothing.
        _send(link, _READY)
        status = _recv_byte(link)
        return status[0] if status else 1


def _send(link: socket.socket, word: bytes) -> None:
    with contextlib.suppress(OSError):
        link.sendall(word)


def _recv_byte(link: socket.socket) -> bytes:
    """Return one byte; empty if the other process has ended."""
    try:
        return link.recv(1)
    except OSError:
        return b""


def _spawn_zygote(engine: EngineProcess, serve: Serve, stages: Iterator[None]) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(engine.address)
            listener.listen(64)
            forked = os.fork()
        except OSError:
            return  # another process has just started one, or the limit of processes is reached
        if forked == 0:
            try:
                _run_zygote(listener, engine, serve, stages)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(1)


def _run_zygote(listener: socket.socket, engine: EngineProcess, serve: Serve, stages: Iterator[None]) -> None:
    """Accept connections until the engine ends, and serve each in a fork. Does not return."""
    _daemonize({listener.fileno(), engine.pidfd})
    with bulk_import():
        next(stages)
    shared = _shared_file()
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(engine.pidfd, select.POLLIN)
    while not any(ready == engine.pidfd for ready, _ in poll.poll()):
        link, _ = listener.accept()
        if _is_started_by(engine, link) and os.fork() == 0:
            listener.close()
            os.close(engine.pidfd)
            set_engine_pid(engine.pid)
            _serve_for(link, partial(serve, partial(_watch, link), shared))
        link.close()
        with bulk_import():
            next(stages, None)
    os._exit(0)


def _shared_file() -> int | None:
    """Return a file in memory; None if the system has none."""
    try:
        return os.memfd_create("plugins")
    except (AttributeError, OSError):
        return None


def _daemonize(keep: set[int]) -> None:
    """Leave the engine's session and close its files, because it waits for the end of its plugin's output."""
    os.setsid()
    signal.signal(signal.SIGCHLD, _reap)
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if number not in keep:
            with contextlib.suppress(OSError):  # the file of the listing itself
                os.close(number)
    for _ in _STREAMS:
        os.open(os.devnull, os.O_RDWR)


def _reap(*_: object) -> None:
    """Reap the forks that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _serve_for(link: socket.socket, serve: Callable[[], int]) -> None:
    """Serve for the plugin process at the other end, with its environment and its streams. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(link, _SIZE, len(_STREAMS))
    environment = link.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    for number, stream in zip(_STREAMS, streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    for item in environment.split(b"\0"):
        name, _, value = item.partition(b"=")
        os.environb[name] = value
    link.sendall(_BEGUN)
    if _recv_byte(link) != _READY:
        os._exit(1)
    status = serve()
    sys.stderr.flush()
    _send(link, bytes([status]))
    os._exit(status)


def _watch(link: socket.socket, end: Callable[[], None]) -> None:
    """End when the plugin process requests it, and at once if it was killed."""

    def watch() -> None:
        while _recv_byte(link) == _END:
            end()
        os._exit(1)

    threading.Thread(target=watch, name="plugin-watch", daemon=True).start()
