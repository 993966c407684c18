"""Pragma's resources on Pulumi, Terraform and OpenTofu, against the reference server: one story each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.control_plane import ControlPlane
from support.naming import unique
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

PROVIDER = 'terraform {\n  required_providers {\n    pragma = { source = "pragma/pragma" }\n  }\n}\n'


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "pragma") as plane:
        yield plane


@pytest.fixture
def env(plane: ControlPlane) -> dict[str, str]:
    return {"PRAGMA_BASE_URL": f"{plane.origin}/pragma", "PRAGMA_API_KEY": plane.api_key}


@pytest.fixture
def pragma(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("pragma") as client:
        yield client


def path(name: str) -> str:
    return f"/resources/{quote(f'resource:postgres_database_{name}', safe='')}"


def fail_once(plane: ControlPlane) -> None:
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": "pragmaProcess", "effect": "status", "status": 500}).raise_for_status()


def change(client: httpx.Client, name: str, version: str) -> None:
    body = {"provider": "postgres", "resource": "database", "name": name, "config": {"version": version}}
    client.post("/resources/apply", json={**body, "tags": ["red"]}).raise_for_status()


def test_pulumi(tmp_path: Path, plane: ControlPlane, env: dict[str, str], pragma: httpx.Client) -> None:
    name, other, outside = unique("db"), unique("db"), unique("db")
    stack = Stack(tmp_path / "stack", env, vendors=("pragma",), quick=True)
    archive = tmp_path / "provider.tar.gz"
    archive.write_bytes(b"code")

    def write(code: dict[str, Any], **fields: Any) -> None:
        same = {"providerName": "postgres", "resourceType": "database", "name": name, "tags": ["red"]}
        properties = {**same, "config": {"version": "16"}, "lifecycleState": "pending", **fields}
        draft = {**same, "config": {"version": "1"}, "name": outside}
        stack.write(
            {
                "db": ("pragma:Resource", properties),
                "code": ("pragma:ProviderCode", {"archive": str(archive), **code}),
                **(
                    {"found": ("pragma:Resource", draft, {"import": f"postgres/database/{outside}"})}
                    if properties["name"] == other
                    else {}
                ),
            },
            {"status": "${db.status}", "version": "${code.version}"},
        )

    mine = {"providerName": unique("mine")}
    write(mine)
    fail_once(plane)
    failed = stack.up(ok=False)
    assert "failed: This failure was injected by a fault rule" in failed.output
    assert stack.up().ops == {"db": "update"}, "it is committed again"
    assert stack.outputs() == {"status": "ready", "version": "1"}
    stack.assert_no_changes()
    write({**mine, "archiveSha256": "2"}, config={"version": "17"})
    assert stack.up().ops == {"db": "update", "code": "update"}
    assert stack.outputs()["version"] == "2"
    change(pragma, name, "1")  # by another program, as a draft
    assert stack.up("--refresh").ops["db"].endswith("update")
    assert pragma.get(path(name)).json()["config"] == {"version": "17"}
    pragma.delete(path(name)).raise_for_status()
    assert stack.up("--refresh").ops["db"].endswith("create")
    change(pragma, outside, "1")
    write({"providerName": unique("mine")}, name=other)
    replaced = stack.up()
    assert replaced.replaces == {"db": ["name"], "code": ["providerName"]}
    assert replaced.ops["found"].startswith("import")
    assert [pragma.get(path(each)).status_code for each in (name, other, outside)] == [404, 200, 200]
    stack.assert_no_changes()
    assert "stays at the service" in stack.destroy().output
    assert [pragma.get(path(each)).status_code for each in (other, outside)] == [404, 404]
    refused = stack.run("import", "pragma:index:Resource", "db", "nonsense", "--yes", "--skip-preview", ok=False)
    assert "'nonsense' is not the id of a resource" in refused.output


def program(name: str, version: str = "16", **fields: str) -> str:
    values = {
        "provider_name": '"postgres"',
        "resource_type": '"database"',
        "name": f'"{name}"',
        "config": f'{{ version = "{version}" }}',
        "tags": '["red"]',
        "lifecycle_state": '"pending"',
        **fields,
    }
    lines = "\n".join(f"  {key} = {value}" for key, value in values.items())
    return f'resource "pragma_resource" "db" {{\n{lines}\n}}\n'


@pytest.mark.parametrize("engine", ENGINES)
def test_terraform(tmp_path: Path, plane: ControlPlane, env: dict[str, str], pragma: httpx.Client, engine: str) -> None:
    name, other = unique("db"), unique("db")
    at = "pragma_resource.db"
    workspace = Workspace(engine, tmp_path / engine, env, vendors=("pragma",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    workspace.write(program(name))
    with plane.admin() as admin:  # the repeated apply meets the resource while it is processed
        for fault in (
            {"operation": "pragmaApplyResource", "effect": "lost_response"},
            {"operation": "pragmaProcess", "effect": "latency", "seconds": 2},
        ):
            admin.post("/faults", json=fault).raise_for_status()
    workspace.apply()
    assert workspace.resource(at)["status"] == "ready"
    workspace.settled()
    workspace.write(program(name, "17"))
    assert workspace.plan().actions == {at: "update"}
    fail_once(plane)
    assert "failed: This failure was injected by a fault rule" in workspace.apply(ok=False).diagnostics
    assert workspace.apply().status == 0
    change(pragma, name, "1")
    assert workspace.plan().actions == {at: "update"}, "drift"
    workspace.apply()
    pragma.delete(path(name)).raise_for_status()
    assert workspace.plan().actions == {at: "create"}, "deleted outside"
    workspace.write(program(other, "17"))
    workspace.apply()
    workspace.write(program(name, "17"))
    assert workspace.plan().replaces == {at: ["name"]}
    change(pragma, name, "17")
    assert "belongs to" in workspace.apply(ok=False).diagnostics, "a stranger's is refused"
    for spelling in (f"postgres/database/{name}", f"resource:postgres_database_{name}"):
        imported = Workspace(engine, tmp_path / f"{engine}-{spelling[0]}", env, vendors=("pragma",), quick=True)
        imported.write(PROVIDER, "provider.tf")
        text = program(name, "17", lifecycle_state='"draft"')
        imported.write(f'import {{\n  to = {at}\n  id = "{spelling}"\n}}\n{text}')
        plan = imported.plan()
        assert (plan.imports, plan.actions) == ({at}, {}), plan.output
    imported.write(f'{text}\ndata "pragma_resources" "red" {{\n  tags = ["red"]\n}}\n' + _BAD)
    assert "lifecycle_state" in imported.plan(ok=False).diagnostics
    workspace.destroy()
    code = tmp_path / "provider.tar.gz"
    code.write_bytes(b"code")

    def upload(provider: str, more: str = "") -> str:
        return (
            f'resource "pragma_provider_code" "it" {{\n  provider_name = "{provider}"\n'
            f"  archive = {json.dumps(str(code))}\n{more}}}\n"
            'data "pragma_dead_letter" "all" {\n  provider_name = "postgres"\n}\n'
            'output "failures" {\n  value = length(data.pragma_dead_letter.all.events)\n}\n'
        )

    mine = unique("mine")
    workspace.write(upload(mine))
    workspace.apply()
    assert workspace.outputs()["failures"] >= 1
    assert workspace.resource("pragma_provider_code.it")["status"] == "success"
    workspace.settled()
    workspace.write(upload(mine, '  archive_sha256 = "2"\n'))
    assert workspace.apply().done["update"] == 1
    assert workspace.resource("pragma_provider_code.it")["version"] == "2"
    workspace.write(upload(unique("mine")))
    assert {"delete": 1, "create": 1}.items() <= workspace.apply().done.items()
    workspace.destroy()


def test_a_plugin_in_a_project(tmp_path: Path, env: dict[str, str]) -> None:
    stack = Stack(tmp_path / "stack", env)
    resource = {"providerName": "postgres", "resourceType": "database", "name": unique("db"), "lifecycleState": "draft"}
    stack.write({"it": ("pragma:Resource", resource)})
    stack.uninstall()
    own = Path(sys.executable).parent
    stack.env["PATH"] = os.pathsep.join(part for part in stack.env["PATH"].split(os.pathsep) if Path(part) != own)
    command = [own / "polykomos", "install", "pulumi", "--project", stack.directory, "--vendor", "pragma"]
    subprocess.run(command, env=stack.env, check=True)
    assert stack.up().ops == {"it": "create"}
    stack.destroy()


_BAD = 'resource "pragma_resource" "bad" {\n  provider_name = "a/b"\n  resource_type = "x"\n  name = "y"\n' + (
    '  lifecycle_state = "ready"\n}\n'
)
