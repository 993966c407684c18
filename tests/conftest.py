"""Fixtures that every suite may use."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support.control_plane import ControlPlane


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane for the worker: no rate limit, a small pool, nothing kept."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as plane:
        yield plane


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    """A client with every scope."""
    with control_plane.client() as client:
        yield client
