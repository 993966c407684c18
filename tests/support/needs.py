"""Programs of the machine that tests need: where one is missing, the test is skipped by its name, and fails in CI."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import httpx
import pytest

from controlplane.engines.mysql.binaries import MISSING, find_binaries

# Of this machine: a test may hide it from a control plane of its own.
_HAS_MARIADB = find_binaries() is not None
_OWN = ("pulumi-resource-polykomos", "terraform-provider-polykomos", "polykomos")


class ProgramMissingError(RuntimeError):
    """A program that may not be missing here is not on PATH."""


def require(program: str) -> str:
    """Return the path of a program, or skip the test."""
    found = shutil.which(program)
    return found or missing(program, may_skip=program not in _OWN)


def missing(program: str, *, may_skip: bool = True) -> NoReturn:
    """Skip the test by the program's name. In CI, where set-up installs everything, fail."""
    text = f'{program} is not on PATH: run `make setup`, and eval "$(make -s env)"'
    if may_skip and os.environ.get("CI") != "true":
        pytest.skip(text)
    raise ProgramMissingError(text)


def require_mariadb() -> None:
    """Skip the test where MySQL databases cannot be made for want of a server."""
    if not _HAS_MARIADB:
        missing("mariadbd")


def skip_without_mariadb(response: httpx.Response) -> None:
    """Skip the test whose request was refused because this machine has no server; an httpx hook."""
    if not _HAS_MARIADB and response.headers.get("Content-Type", "").startswith("application/json"):
        response.read()
        if MISSING in response.text:
            require_mariadb()
