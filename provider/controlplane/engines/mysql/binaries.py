"""Find a MariaDB server on this machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

DIRECTORY_VARIABLE = "POLYKOMOS_MARIADB_BIN"
# Where distributions put servers; not everyone has it on PATH.
_MORE = "/usr/local/sbin:/usr/sbin:/sbin"

MISSING = (
    "MySQL needs a MariaDB server: install one (Debian: `sudo apt-get install --no-install-recommends "
    f"mariadb-server-core mariadb-client-core`), or set {DIRECTORY_VARIABLE} to a directory with `mariadbd` and "
    "`mariadb-install-db`, and start the control plane again"
)

NO_HOST = (
    "the control-plane process that runs the MariaDB server is not running: start it with its --data-dir again (if "
    "there was none yet, start one with any --data-dir)"
)


@dataclass(frozen=True)
class MariadbBinaries:
    """The full paths of the server and of the program that creates its data directory."""

    server: str
    install: str


def find_binaries() -> MariadbBinaries | None:
    """Return the programs from the configured directory, otherwise from PATH; None unless both are there."""
    configured = os.environ.get(DIRECTORY_VARIABLE)
    path = configured if configured is not None else f"{os.environ.get('PATH', os.defpath)}:{_MORE}"
    server = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    return MariadbBinaries(server, install) if server and install else None
