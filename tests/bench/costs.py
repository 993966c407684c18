"""What a command costs: time, calls of the API, processor, and the memory of the plugin that it starts.

Plugin processes whose parents end before them become children of this process, so that their costs count as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.control_plane import ControlPlane, wait_until

_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """seconds: wall time. cpu: seconds of all processors, engine and plugin. plugin_cpu: the plugin processes' part, as
    last seen. calls: None where there is no API. plugin_mb: the most that one plugin process peaks.
    """

    seconds: float
    cpu: float
    plugin_cpu: float
    calls: int | None
    plugin_mb: float


def cost_of(run: Callable[[], object], plugin: str, plane: ControlPlane | None = None) -> Cost:
    """Run it. plugin: what the plugin's command line ends its program's path with."""
    peaks: dict[int, float] = {}
    used: dict[int, float] = {}
    stop = threading.Event()
    _adopt_orphans()
    there = set(_processes(plugin))

    def watch() -> None:
        while not stop.wait(_EVERY_SECONDS):
            for pid in set(_processes(plugin)) - there:
                peaks[pid] = max(peaks.get(pid, 0.0), _peak_memory(pid))
                used[pid] = max(used.get(pid, 0.0), _used(pid))

    watcher = threading.Thread(target=watch)
    first = _mark(plane) if plane else 0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watcher.start()
    began = time.perf_counter()
    try:
        run()
        seconds = time.perf_counter() - began
    finally:
        stop.set()
        watcher.join()
    _reap_orphans(Path(plugin).name)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    calls = _mark(plane) - first - 1 if plane else None
    return Cost(seconds, cpu, sum(used.values()), calls, max(peaks.values(), default=0.0))


def _mark(plane: ControlPlane) -> int:
    """The number of a log entry of our own: between two of them lie a command's calls. Costs the key no call."""
    mark = str(uuid.uuid4())
    with plane.admin() as admin, plane.client("pk_live_scope_databases_read") as api:
        api.get(f"/databases/{mark}")
        found = wait_until(lambda: admin.get("/requests", params={"text": mark}).raise_for_status().json())
    return int(found[0]["id"])


def _processes(plugin: str) -> list[int]:
    """Those of that name."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if plugin.encode() in command.read_bytes():
                found.append(int(command.parent.name))
    return found


def _peak_memory(pid: int) -> float:
    """MB that it has peaks at most."""
    with contextlib.suppress(OSError):
        if peak := re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()):
            return int(peak[1]) / 1024
    return 0.0


def _used(pid: int) -> float:
    """Seconds of processors that it has used so far."""
    with contextlib.suppress(OSError):
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _adopt_orphans() -> None:
    """Linux gives processes whose parent has ended to the nearest ancestor that asks for them (prctl 36)."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _reap_orphans(program: str) -> None:
    """Wait for the end of those that were adopted: what they have used counts from then on."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            if name == program[:15] and int(rest.split()[1]) == os.getpid():
                os.waitpid(int(stat.parent.name), 0)
