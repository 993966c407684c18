"""The MariaDB server that MySQL databases of `polykomos dev` live on: used from PATH, else installed where possible.

Only programs are installed, not the package that comes with a service: the control plane starts a server of its own.
"""

from __future__ import annotations

import os
import shutil

from steps import Failed, run, say, step

# The second holds a program that the first's mariadb-install-db calls.
_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_PROGRAMS = ("mariadbd", "mariadb-install-db")
# Where servers are; not everyone has it on PATH.
_MORE = "/usr/local/sbin:/usr/sbin:/sbin"


def prepare() -> None:
    """Make the server available, or say what is missing: everything but MySQL works without it."""
    path = f"{os.environ.get('PATH', os.defpath)}:{_MORE}"
    configured = os.environ.get("POLYKOMOS_MARIADB_BIN")
    found = [shutil.which(program, path=configured or path) for program in _PROGRAMS]
    if all(found):
        say(f"mariadbd: {found[0]}")
        return
    apt = shutil.which("apt-get")
    if configured or apt is None or os.geteuid() != 0:
        say("mariadbd: not found; MySQL databases cannot be ordered, and their tests will fail")
        say(
            f"  install it (Debian: apt-get install {' '.join(_PACKAGES)}),"
            " or set POLYKOMOS_MARIADB_BIN to its directory"
        )
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        with step(f"mariadbd: installing {' and '.join(_PACKAGES)} by apt-get"):
            run([apt, "update", "-q"], env=quiet)
            run([apt, "install", "-q", "-y", "--no-install-recommends", *_PACKAGES], env=quiet)
    except Failed as failure:
        say(f"mariadbd: {failure}")
        say("mariadbd: goes on without it; MySQL databases cannot be ordered, and their tests will fail")
