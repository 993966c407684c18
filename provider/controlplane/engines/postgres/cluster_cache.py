"""Clusters that ephemeral control planes copy instead of making their own, in the user's cache directory.

`initdb`, the tenants' template and the migrations take a second of CPU; a copy takes a tenth. There is one cluster for
each version of PostgreSQL and of the code that prepares it. Without a cache that can be written, nothing changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.db import migrate
from controlplane.db.server import Server
from controlplane.engines.os_user import OsUser
from controlplane.engines.postgres.binaries import PostgresBinaries
from controlplane.engines.postgres.cluster import embedded_server
from controlplane.errors import StartupError
from controlplane.state_file import StateFile

# What a cluster is made by: other contents make another cluster.
_SOURCES: Final = (Path(__file__).parent, Path(migrate.__file__).parent, Path(migrate.__file__).parent / "migrations")
_UNUSED_SECONDS: Final = 14 * 86_400
_LOCK_SECONDS: Final = 60.0
_log = logging.getLogger("controlplane.engines.postgres")


def default_directory() -> Path:
    """Return `polykomos/clusters` under $POLYKOMOS_CACHE or the XDG cache directory."""
    own = os.environ.get("POLYKOMOS_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polykomos"
    return base / "clusters"


@dataclass(frozen=True)
class ClusterCache:
    """The clusters below `directory`. prepare: makes a new cluster ready for a control plane."""

    directory: Path
    prepare: Callable[[Server], Awaitable[None]]

    def copy(self, binaries: PostgresBinaries, account: OsUser, into: Path) -> str | None:
        """Copy a cluster to `into`, which does not exist yet, and return its superuser's password.

        Returns:
            None if the cache cannot be used; then nothing is at `into`.
        """
        import filelock  # takes longer to import than the rest of this module

        home = self.directory / _key(binaries)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(home.with_suffix(".lock"), timeout=_LOCK_SECONDS):
                if not home.exists():
                    self._make(home)
                os.utime(home)
                shutil.copytree(home / "postgres" / "data", into)
                _give(account, into)
            password = StateFile(home / "state.json").get("postgres_password")
        except (OSError, shutil.Error, StartupError, filelock.Timeout) as error:
            _log.debug("no cluster is copied from %s: %s", home, error)
            password = None
        if password is None:
            shutil.rmtree(into, ignore_errors=True)
        return password

    def _make(self, home: Path) -> None:
        """Make the cluster aside and move it to its place, so that a half-made one is never copied."""
        self._remove_unused()
        with tempfile.TemporaryDirectory(dir=self.directory) as aside:
            made = Path(aside) / "made"
            made.mkdir()
            with embedded_server(made / "postgres", StateFile(made / "state.json"), ephemeral=True) as server:
                asyncio.run(_prepared(self.prepare, server))
            made.rename(home)

    def _remove_unused(self) -> None:
        """Remove the clusters of other versions that nobody has copied for two weeks."""
        for other in self.directory.iterdir():
            with contextlib.suppress(OSError):
                if other.is_dir() and time.time() - other.stat().st_mtime > _UNUSED_SECONDS:
                    shutil.rmtree(other)


async def _prepared(prepare: Callable[[Server], Awaitable[None]], server: Server) -> None:
    await prepare(server)


def _key(binaries: PostgresBinaries) -> str:
    version = subprocess.run(  # noqa: S603 - the program that is about to run
        [binaries.path("postgres"), "--version"], capture_output=True, check=False, timeout=10
    ).stdout
    found = hashlib.sha256(version + binaries.path("").encode())
    for folder in _SOURCES:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".sql"):
                found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _give(account: OsUser, directory: Path) -> None:
    if account.ids is not None:
        for path in (directory, *directory.rglob("*")):
            account.chown(path)
