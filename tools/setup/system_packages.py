"""Programs that Debian packages: used from PATH, else installed by `apt-get` as root, else named with the command.

Nothing here is a reason to fail. What is missing is skipped, by name, by the tests that need it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from steps import SetupError, run, say, step

# Where servers are; not everyone has these directories on PATH.
_SERVERS = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Need:
    """Programs of which some or all are needed. setting: the variable that names a program or directory instead."""

    purpose: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    setting: str = ""
    needs_all: bool = True

    def found(self, env: Mapping[str, str]) -> str | None:
        """Return where it is; None where it is missing."""
        configured = env.get(self.setting, "") if self.setting else ""
        if configured and Path(configured).is_file():
            return configured
        path = configured or f"{env.get('PATH', os.defpath)}{os.pathsep}{_SERVERS}"
        paths = [shutil.which(program, path=path) for program in self.programs]
        present = [path for path in paths if path]
        return present[0] if present and (len(present) == len(paths) or not self.needs_all) else None


NEEDS = (
    # Only programs are installed, not the package that comes with a service: the control plane starts a server itself.
    # The second package holds a program that the first's mariadb-install-db calls.
    Need(
        "MySQL databases",
        ("mariadbd", "mariadb-install-db"),
        ("mariadb-server-core", "mariadb-client-core"),
        "POLYKOMOS_MARIADB_BIN",
    ),
    Need(
        "the console in a browser",
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        ("chromium",),
        "POLYKOMOS_BROWSER",
        needs_all=False,
    ),
    Need("the quick starts", ("psql",), ("postgresql-client",)),
    Need("the quick starts", ("curl",), ("curl",)),
    Need("the how-to page on existing schemas", ("mariadb-dump",), ("mariadb-client",)),
    Need("the examples' shell scripts", ("jq",), ("jq",)),
)


def prepare() -> None:
    """Find the programs, install what is missing, or print the command that installs it."""
    missing = []
    for need in NEEDS:
        found = need.found(os.environ)
        if found:
            say(f"{need.programs[0]}: {found}")
        else:
            missing.append(need)
    if not missing:
        return
    packages = [package for need in missing for package in need.packages]
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        try:
            with step(f"apt-get: installing {' '.join(packages)}"):
                _install(apt, packages)
            return
        except SetupError as failure:
            say(f"apt-get: {failure}")
    for need in missing:
        say(f"{need.programs[0]}: not found; the tests of {need.purpose} are skipped, by name")
    if apt:
        say(f"to install what is missing: sudo apt-get install --no-install-recommends {' '.join(packages)}")
    else:
        say(f"to install what is missing: use the packages that your system has for {' '.join(packages)}")


def _install(apt: str, packages: list[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The package lists of a fresh container are missing or old.
    run([apt, "update", "-q"], env=quiet)
    run([apt, "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)
