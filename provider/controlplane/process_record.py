"""The record of a running control plane, in its data directory: its process and its address."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from controlplane.data_dir import ephemeral_dirs, in_use

_RECORD = "running.json"


@dataclass(frozen=True)
class Running:
    """A control plane that is running now."""

    pid: int
    base_url: str  # the URL of its API, `/api/v1` included
    directory: str
    detached: bool  # whether it was started by `polykomos dev --detach`

    @property
    def port(self) -> int:
        """Return the port of the API."""
        return int(self.base_url.rsplit(":", 1)[1].split("/", 1)[0])

    def __str__(self) -> str:
        return f"process {self.pid} at {self.base_url}, data in {self.directory}"


@contextlib.contextmanager
def recorded(directory: Path, base_url: str, *, detached: bool) -> Iterator[None]:
    """Write the record of this process into its data directory, and remove it at the end."""
    record = directory / _RECORD
    fresh = record.with_suffix(".new")
    running = Running(os.getpid(), base_url, str(directory), detached)
    fresh.write_text(json.dumps(asdict(running)), encoding="utf-8")
    fresh.replace(record)
    try:
        yield
    finally:
        record.unlink(missing_ok=True)


def find_running(directory: Path) -> Running | None:
    """Return the control plane that runs on a data directory, or None.

    A record counts only while the directory is locked: after `kill -9` it remains, and its pid may be reused.
    """
    try:
        running = Running(**json.loads((directory / _RECORD).read_text(encoding="utf-8")))
        return running if in_use(directory) else None
    except (OSError, ValueError, TypeError):
        return None


def all_running(directories: Iterable[Path]) -> list[Running]:
    """Return the control planes that run on these data directories, and this user's ephemeral ones."""
    candidates = (find_running(directory) for directory in (*directories, *ephemeral_dirs()))
    return [running for running in candidates if running is not None]
