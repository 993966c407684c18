"""What a command costs: time, calls of the API, processor, and the memory of the plugin that it starts."""

from __future__ import annotations

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
    """seconds: wall time. cpu: seconds of all processors, engine and plugin. calls: None where there is no API.
    plugin_mb: the most that one plugin process held.
    """

    seconds: float
    cpu: float
    calls: int | None
    plugin_mb: float


def cost_of(run: Callable[[], object], plugin: str, plane: ControlPlane | None = None) -> Cost:
    """Run it. plugin: what the plugin's command line ends its program's path with."""
    most, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(_EVERY_SECONDS):
            most[0] = max([most[0], *_held_by(plugin)])

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
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu, _mark(plane) - first - 1 if plane else None, most[0])


def _mark(plane: ControlPlane) -> int:
    """The number of a log entry of our own: between two of them lie a command's calls. Costs the key no call."""
    mark = str(uuid.uuid4())
    with plane.admin() as admin, plane.client("pk_live_scope_databases_read") as api:
        api.get(f"/databases/{mark}")
        found = wait_until(lambda: admin.get("/requests", params={"text": mark}).raise_for_status().json())
    return int(found[0]["id"])


def _held_by(plugin: str) -> list[float]:
    """MB that each of our descendants of that name has held at most."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = []
    for pid in parents:
        try:
            if _is_ours(pid, parents) and plugin.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
                found.append(int(peak[1]) / 1024 if peak else 0.0)
        except OSError:
            continue
    return found


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()
