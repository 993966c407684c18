"""Fixtures that every suite may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest

from support.control_plane import ControlPlane
from support.leaks import leaks

# The directories whose tests drive an engine.
ENGINES = frozenset({"engines", "faults"})


def pytest_configure() -> None:
    """Set what every program of the tests runs with."""
    # The engines are Go programs that run for a second: they collect no garbage unless they grow large. Saves 10 %.
    os.environ.setdefault("GOGC", "off")
    os.environ.setdefault("GOMEMLIMIT", "1GiB")
    # Thousands of processes import the same modules: the first one that compiles a module does so for all.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # An example may take its time on a machine with other work.
    health = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=health)
    hypothesis.settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs a whole file, whose tests then share what it starts: most have a control plane of their own.

    A test that drives an engine takes seconds and starts little that others share: each goes to the next free worker,
    those that take longest first.
    """
    for item in items:
        if not ENGINES.intersection(item.path.parts) and not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: not any(item.iter_markers("slow")))


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
    """One control plane for the worker: no rate limit, no daily limit of queries, a small pool, nothing kept."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--free-queries", "0", "--pool-size", "2") as plane:
        yield plane


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    """A client with every scope."""
    with control_plane.client() as client:
        yield client
