"""Fixtures that every suite may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.control_plane import ControlPlane
from support.leaks import leaks


@pytest.fixture(scope="session", autouse=True)
def no_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In the end all that the worker's tests have left (states, logs, event logs, plans) is searched for the secrets
    of every control plane that they ran.
    """
    yield
    assert leaks(tmp_path_factory.getbasetemp(), ControlPlane.keys, ControlPlane.secrets) == []


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have spent of a key's limit, which processes tell each other, is not this one's."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


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
