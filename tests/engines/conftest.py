from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import SLOW, ControlPlane, create_database, new_key
from support.pulumi import Stack
from support.terraform import ALL_ENGINES, ENGINES, Workspace
from support.tfplugin import Plugin, watched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "engines" in item.path.parts:
            item.add_marker(pytest.mark.engine)


@pytest.fixture
def connection(control_plane: Any) -> dict[str, str]:
    """What a user exports to reach the control plane."""
    return {"POLYKOMOS_BASE_URL": control_plane.base_url, "POLYKOMOS_API_KEY": control_plane.api_key}


@pytest.fixture
def plugin(connection: dict[str, str]) -> Iterator[Plugin]:
    """A configured Terraform provider process, spoken to by the protocol."""
    with watched(connection) as running:
        yield running


@pytest.fixture
def new_stack(tmp_path: Path, connection: dict[str, str]) -> Callable[..., Stack]:
    """Makes stacks in directories of their own."""
    made: list[Stack] = []

    def make(env: dict[str, str] | None = None, runtime: str = "yaml", *, quick: bool = True) -> Stack:
        made.append(Stack(tmp_path / f"stack{len(made)}", env or connection, runtime, quick=quick))
        return made[-1]

    return make


@pytest.fixture
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()


@pytest.fixture
def new_workspace(tmp_path: Path, connection: dict[str, str]) -> Callable[..., Workspace]:
    """Makes workspaces in directories of their own."""
    made: list[Workspace] = []

    def make(
        engine: str, env: dict[str, str] | None = None, mirror: Path | None = None, *, quick: bool = True
    ) -> Workspace:
        made.append(Workspace(engine, tmp_path / f"workspace{len(made)}", env or connection, mirror, quick=quick))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def attached(control_plane: ControlPlane) -> Iterator[str]:
    """A provider process that engines attach to: what TF_REATTACH_PROVIDERS should be.

    Starting one costs more than most commands do. Those that must start their own have `started_workspace`.
    """
    program = Path(sys.executable).with_name("terraform-provider-polykomos")
    env = {**os.environ, "POLYKOMOS_BASE_URL": control_plane.base_url, "POLYKOMOS_API_KEY": control_plane.api_key}
    command = [str(program), "--debug"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().partition("=")[2].strip("'")
        process.terminate()


@pytest.fixture
def new_attached_workspace(new_workspace: Callable[..., Workspace], attached: str) -> Callable[[str], Workspace]:
    """Makes workspaces of an engine, with a provider that is running already."""

    def make(engine: str) -> Workspace:
        workspace = new_workspace(engine)
        workspace.env["TF_REATTACH_PROVIDERS"] = attached
        return workspace

    return make


@pytest.fixture(params=ENGINES)
def started_workspace(request: pytest.FixtureRequest, new_workspace: Callable[..., Workspace]) -> Workspace:
    """A workspace of Terraform, then one of OpenTofu."""
    return new_workspace(request.param)


@pytest.fixture(params=ENGINES)
def workspace(request: pytest.FixtureRequest, new_attached_workspace: Callable[[str], Workspace]) -> Workspace:
    """The same, with a provider that is running already."""
    return new_attached_workspace(request.param)


@pytest.fixture(params=ALL_ENGINES)
def each_workspace(request: pytest.FixtureRequest, new_attached_workspace: Callable[[str], Workspace]) -> Workspace:
    """The same of each engine of the protocol: for the lifecycle suite."""
    return new_attached_workspace(request.param)


@pytest.fixture
def one_workspace(new_attached_workspace: Callable[[str], Workspace]) -> Workspace:
    """The same of one engine: for what the provider alone decides."""
    return new_attached_workspace("terraform")


@pytest.fixture(scope="module")
def estate() -> Iterator[ControlPlane]:
    """A control plane where what the examples speak of exists: a database called orders with tables, endpoint 7."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--free-queries", "0") as running:
        with running.client() as api:
            orders = create_database(api, "orders")
            for query in (
                "CREATE TABLE orders (id serial PRIMARY KEY, created_at timestamptz)",
                "CREATE TABLE contacts (id serial PRIMARY KEY, company text)",
            ):
                asked = {"database_uuid": orders["uuid"], "query": query}
                assert api.post("/query_executions", json=asked).status_code == 200
            for _ in range(7):
                body = {"url": "https://hooks.example.com"}
                assert api.post("/webhook_endpoints", json=body, headers=new_key()).status_code == 201
        yield running


@pytest.fixture(scope="module")
def slow() -> Iterator[ControlPlane]:
    """A control plane where databases get ready when its clock is put forward."""
    with ControlPlane(*SLOW) as running:
        yield running


@pytest.fixture
def other_team(api: httpx.Client) -> int:
    """A second team of the key's user, found as a person would: by creating in it."""
    reply = api.post("/databases", json={"name": "team-probe", "team_id": 2}, headers=new_key())
    reply.raise_for_status()
    made = reply.json()["data"]
    api.delete(f"/databases/{made['uuid']}", headers=new_key()).raise_for_status()
    return int(made["team_id"])
