"""Fixtures of pytest for testing stacks against a control plane (docs/testing.md)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from polykomos_provider.testing import ControlPlane


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of pytest's configuration file."""
    parser.addini(
        "polykomos_arguments", "further options of `polykomos dev` for the control plane of the tests", default=""
    )


@pytest.fixture(scope="session")
def polykomos_control_plane(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Yield a control plane that runs for the session (one for each process of pytest-xdist)."""
    with ControlPlane(shlex.split(pytestconfig.getini("polykomos_arguments"))) as plane:
        yield plane


@pytest.fixture(autouse=True)
def _polykomos_undo(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo the faults and the clock of a test after the test, so that they do not affect later tests."""
    if "polykomos_control_plane" not in request.fixturenames:
        yield
        return
    plane: ControlPlane = request.getfixturevalue("polykomos_control_plane")
    yield
    if plane.is_changed:
        plane.clear_faults()


@pytest.fixture
def polykomos_database(
    polykomos_control_plane: ControlPlane, request: pytest.FixtureRequest
) -> Iterator[dict[str, Any]]:
    """Yield a PostgreSQL database from the pool, named after the test; it is destroyed after the test."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:63] or "test"
    database = polykomos_control_plane.create_database(name)
    yield database
    # Not only deleted: the files of several hundred tests would fill the disk.
    polykomos_control_plane.destroy_database(database["uuid"])


@pytest.fixture
def polykomos_env(polykomos_control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    """Return the control plane, with POLYKOMOS_BASE_URL and POLYKOMOS_API_KEY set to it for the test."""
    for name, value in polykomos_control_plane.env.items():
        monkeypatch.setenv(name, value)
    return polykomos_control_plane
