"""Engines against a control plane that fails on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.control_plane import ControlPlane
from support.pulumi import Stack
from support.terraform import Workspace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "3") as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    """The control plane's admin API; everything is as at the start before and after the test."""
    with plane.admin() as admin:
        admin.post("/reset").raise_for_status()
        yield admin
        admin.post("/reset").raise_for_status()


@pytest.fixture
def connection(plane: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}


@pytest.fixture
def new_stack(tmp_path: Path, connection: dict[str, str]) -> Callable[[str], Stack]:
    return lambda name: Stack(tmp_path / name, connection, quick=True)


@pytest.fixture
def stack(new_stack: Callable[[str], Stack], admin: httpx.Client) -> Stack:
    return new_stack("stack")


@pytest.fixture
def new_workspace(tmp_path: Path, connection: dict[str, str]) -> Callable[..., Workspace]:
    return lambda engine, name="workspace", **env: Workspace(
        engine, tmp_path / engine / name, {**connection, **env}, quick=True
    )
