"""Fixtures of the contract tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support.control_plane import ControlPlane


@pytest.fixture
def client(plane: ControlPlane) -> Iterator[httpx.Client]:
    """A client with every scope, of the control plane that the module starts as `plane`."""
    with plane.client() as client:
        yield client
