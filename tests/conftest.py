"""Fixtures that every suite may use."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support import inside
from support.control_plane import ControlPlane
from support.leaks import leaks


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for the worker: no rate limit, a small pool, nothing kept.

    In the end all that the worker's tests have left (states, logs, event logs, plans) is searched for its secrets.
    """
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as plane:
        yield plane
        secrets = inside.secrets(plane)
        assert leaks(tmp_path_factory.getbasetemp(), plane.api_key, secrets) == []
        assert not [secret for secret in secrets if secret in plane.log_text], "in the control plane's log"


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    """A client with every scope."""
    with control_plane.client() as client:
        yield client
