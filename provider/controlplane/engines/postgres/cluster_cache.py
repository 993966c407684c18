"""A cache of clusters that ephemeral control planes copy instead of creating their own, in the user's cache directory.

`initdb`, the tenants' template and the migrations take a second of CPU; a copy takes a tenth. There is one cluster for
each version of PostgreSQL and of the code that prepares it. Without a writable cache, nothing is copied.
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

import platformdirs

from controlplane.db import migrate
from controlplane.db.server import Server
from controlplane.engines.os_user import OsUser
from controlplane.engines.postgres.binaries import PostgresBinaries
from controlplane.engines.postgres.cluster import embedded_server
from controlplane.errors import StartupError
from controlplane.state_file import StateFile

# The code that prepares a cluster: another content leads to another cluster.
_SOURCES: Final = (Path(__file__).parent, Path(migrate.__file__).parent, Path(migrate.__file__).parent / "migrations")
_UNUSED_SECONDS: Final = 14 * 86_400
_LOCK_SECONDS: Final = 60.0
_log = logging.getLogger("controlplane.engines.postgres")


def default_directory() -> Path:
    """Return `clusters` under $POLYKOMOS_CACHE, else under `polykomos` in the user's cache directory."""
    own = os.environ.get("POLYKOMOS_CACHE")
    return (Path(own) if own else platformdirs.user_cache_path("polykomos", appauthor=False)) / "clusters"


@dataclass(frozen=True)
class ClusterCache:
    """The clusters below a directory."""

    directory: Path
    prepare: Callable[[Server], Awaitable[None]]  # prepares a new cluster for a control plane

    def copy(self, binaries: PostgresBinaries, account: OsUser, into: Path) -> str | None:
        """Copy a cluster to `into`, which does not exist yet, and return its superuser's password.

        Returns:
            None if the cache cannot be used; then nothing is at `into`.
        """
        import filelock  # takes longer to import than the rest of this module

        entry = self.directory / _key(binaries)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(entry.with_suffix(".lock"), timeout=_LOCK_SECONDS):
                if not entry.exists():
                    self._create(entry)
                os.utime(entry)
                shutil.copytree(entry / "postgres" / "data", into)
                _chown_all(account, into)
            password = StateFile(entry / "state.json").get("postgres_password")
        except (OSError, shutil.Error, StartupError, filelock.Timeout) as error:
            _log.debug("no cluster is copied from %s: %s", entry, error)
            password = None
        if password is None:
            shutil.rmtree(into, ignore_errors=True)
        return password

    def _create(self, entry: Path) -> None:
        """Create the cluster in a temporary directory and move it to its place: a partial one is never copied."""
        self._remove_unused()
        with tempfile.TemporaryDirectory(dir=self.directory) as temporary:
            cluster = Path(temporary) / "cluster"
            cluster.mkdir()
            with embedded_server(cluster / "postgres", StateFile(cluster / "state.json"), ephemeral=True) as server:
                asyncio.run(_run(self.prepare, server))
            cluster.rename(entry)

    def _remove_unused(self) -> None:
        """Remove the clusters that were not copied for two weeks."""
        for other in self.directory.iterdir():
            with contextlib.suppress(OSError):
                if other.is_dir() and time.time() - other.stat().st_mtime > _UNUSED_SECONDS:
                    shutil.rmtree(other)


async def _run(prepare: Callable[[Server], Awaitable[None]], server: Server) -> None:
    await prepare(server)


def _key(binaries: PostgresBinaries) -> str:
    version = subprocess.run(  # noqa: S603 - the program that is about to run
        [binaries.path("postgres"), "--version"], capture_output=True, check=False, timeout=10
    ).stdout
    digest = hashlib.sha256(version + binaries.path("").encode())
    for folder in _SOURCES:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".sql"):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _chown_all(account: OsUser, directory: Path) -> None:
    if account.ids is not None:
        for path in (directory, *directory.rglob("*")):
            account.chown(path)
