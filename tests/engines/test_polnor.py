"""Polnor's resources on Pulumi, Terraform and OpenTofu, against its reference server: the whole life of a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controlplane.account.seed import DEVELOPER_EMAIL as DEVELOPER
from support.control_plane import ControlPlane
from support.naming import unique
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

PROVIDER = 'terraform {\n  required_providers {\n    polnor = { source = "polnor/polnor" }\n  }\n}\n'
SECONDS = 10  # on the server's clock: far beyond what a start or a stop of an instance takes


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "polnor") as plane:
        yield plane


@pytest.fixture
def polnor(plane: ControlPlane) -> Iterator[httpx.Client]:
    """A client of the API, in which nothing is left of another test."""
    with plane.admin() as admin:
        admin.post("/reset").raise_for_status()
    with plane.vendor("polnor/api/v1") as client:
        yield client


@pytest.fixture
def env(plane: ControlPlane) -> dict[str, str]:
    return {"POLNOR_BASE_URL": f"{plane.origin}/polnor/api/v1", "POLNOR_API_KEY": plane.api_key}


def instances(client: httpx.Client) -> dict[str, dict[str, Any]]:
    listed = client.get("/compute", params={"limit": 200}).raise_for_status().json()["data"]
    return {each["name"]: each for each in listed}


def tasks(*names: str) -> list[dict[str, Any]]:
    """A chain of tasks."""
    return [
        {"key": name, "command": f"echo {name}", **({"dependsOn": [names[position - 1]]} if position else {})}
        for position, name in enumerate(names)
    ]


def warehouse(plane: ControlPlane, client: httpx.Client) -> str:
    """The id of the workspace's warehouse, which runs."""
    (found,) = client.get("/sql/warehouses").raise_for_status().json()["data"]
    client.post(f"/sql/warehouses/{found['id']}/start")  # 409 if it runs already
    plane.advance(200)
    id_: str = found["id"]
    return id_


def test_pulumi(tmp_path: Path, plane: ControlPlane, polnor: httpx.Client, env: dict[str, str]) -> None:
    stack = Stack(tmp_path / "stack", env, vendors=("polnor",), quick=True)
    name, outside = unique("vm"), unique("outside")
    found = polnor.post("/compute", json={"name": outside, "flavor": "cpu.32"}).raise_for_status().json()["id"]
    polnor.post("/endpoints", json={"name": outside, "model": "churn", "version": 7}).raise_for_status()

    def write(
        *, state: str = "running", flavor: str = "cpu.32", name: str = name, graph: Any = None, version: int = 7
    ) -> None:
        stack.write(
            {
                "vm": (
                    "polnor:ComputeInstance",
                    {"name": name, "flavor": flavor, "autoStop": "never", "state": state},
                ),
                "job": ("polnor:Job", {"name": name, "tasks": tasks("a", "b") if graph is None else graph}),
                "endpoint": ("polnor:ServingEndpoint", {"name": name, "model": "churn", "version": version}),
                "sql": ("polnor:WarehouseState", {"warehouseId": warehouse(plane, polnor), "state": "running"}),
                "foundVm": ("polnor:ComputeInstance", {"name": outside, "flavor": "cpu.32"}, {"import": found}),
                "foundEndpoint": (
                    "polnor:ServingEndpoint",
                    {"name": outside, "model": "churn", "version": 7},
                    {"import": outside},
                ),
            },
            {"id": "${vm.id}", "job": "${job.id}"},
        )

    write()
    first = stack.up()
    assert {name for name, op in first.ops.items() if op.startswith("import")} == {"foundVm", "foundEndpoint"}
    assert instances(polnor)[name]["status"] == "running"
    stack.assert_no_changes()
    run = polnor.post(f"/jobs/{stack.outputs()['job']}/run").raise_for_status().json()["run_id"]
    assert [task["key"] for task in polnor.get(f"/runs/{run}/tasks").json()] == ["a", "b"]
    write(state="stopped", graph=[])
    assert stack.up().ops == {"vm": "update", "job": "update"}
    assert instances(polnor)[name]["status"] == "stopped"
    stack.assert_no_changes()
    polnor.post(f"/compute/{stack.outputs()['id']}/start").raise_for_status()
    plane.advance(SECONDS)
    assert stack.preview("--refresh").ops == {"vm": "update"}, "it was started outside"
    stack.up("--refresh")
    assert instances(polnor)[name]["status"] == "stopped"
    write(state="stopped", flavor="gpu.a100", name=f"{name}-gpu", graph=[], version=8)
    replaced = stack.up()
    assert replaced.replaces == {"vm": ["flavor", "name"], "endpoint": ["name", "version"]}
    assert f"serving endpoint {name} was removed from the state only" in replaced.output
    assert set(instances(polnor)) == {f"{name}-gpu", outside}
    polnor.delete(f"/compute/{stack.outputs()['id']}").raise_for_status()
    stack.up("--refresh")
    assert set(instances(polnor)) == {f"{name}-gpu", outside}
    circle = [{"key": "a", "command": "x", "dependsOn": ["b"]}, {"key": "b", "command": "x", "dependsOn": ["a"]}]
    write(state="stopped", flavor="gpu.a100", name=f"{name}-gpu", graph=circle, version=8)
    assert "depend on each other in a circle" in stack.preview(ok=False).diagnostics
    write(state="stopped", flavor="gpu.a100", name=f"{name}-gpu", graph=[], version=8)
    gone = stack.destroy()
    assert "was removed from the state only: the API cannot delete a job" in gone.output
    assert "goes on running, because the API cannot stop it" in gone.output
    assert instances(polnor) == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_terraform(tmp_path: Path, plane: ControlPlane, polnor: httpx.Client, env: dict[str, str], engine: str) -> None:
    workspace = Workspace(engine, tmp_path / engine, env, vendors=("polnor",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    name, wh = unique("vm"), warehouse(plane, polnor)
    vm, big, job, endpoint = (
        f"polnor_{each}" for each in ("compute_instance.vm", "compute_instance.big", "job.it", "serving_endpoint.churn")
    )

    def write(
        *, state: str = "running", flavor: str = "cpu.32", task: str = "a", version: int = 7, more: str = ""
    ) -> None:
        workspace.write(
            f'''
resource "polnor_compute_instance" "vm" {{
  name      = "{name}"
  flavor    = "cpu.32"
  auto_stop = "never"
  state     = "{state}"
}}
resource "polnor_compute_instance" "big" {{
  name   = "{name}-big"
  flavor = "{flavor}"
}}
resource "polnor_job" "it" {{
  name  = "{name}"
  tasks = [{{ key = "{task}", command = "true" }}]
}}
resource "polnor_serving_endpoint" "churn" {{
  name    = "{name}-{version}"
  model   = "churn-v3"
  version = {version}
}}
data "polnor_compute_instances" "all" {{
  depends_on = [polnor_compute_instance.vm, polnor_compute_instance.big]
}}
output "names" {{
  value = sort([for each in data.polnor_compute_instances.all.items : each.name])
}}
{more}
'''
        )

    write()
    workspace.apply()
    assert workspace.outputs() == {"names": [name, f"{name}-big"]}
    assert instances(polnor)[name]["status"] == "running"
    workspace.settled()
    polnor.post(f"/compute/{instances(polnor)[name]['id']}/stop").raise_for_status()
    plane.advance(SECONDS)
    write(task="b")
    assert workspace.plan().actions == {vm: "update", job: "update"}, "one was stopped outside, the other is changed"
    workspace.apply("tfplan")
    assert instances(polnor)[name]["status"] == "running"
    polnor.post(f"/compute/{instances(polnor)[name]['id']}/stop").raise_for_status()
    plane.advance(SECONDS)
    polnor.delete(f"/compute/{instances(polnor)[name]['id']}").raise_for_status()
    write(state="stopped", task="b", flavor="gpu.a100", version=8)
    plan = workspace.plan()
    assert plan.actions == {vm: "create", big: "replace", endpoint: "replace"}, "one was deleted outside"
    assert plan.replaces == {big: ["flavor"], endpoint: ["name", "version"]}
    workspace.apply("tfplan")
    assert {each["flavor"] for each in instances(polnor).values()} == {"cpu.32", "gpu.a100"}
    made = workspace.resource(vm)["id"]
    workspace.run("state", "rm", vm, endpoint)
    refused = workspace.apply(ok=False).diagnostics
    assert f"a compute instance '{name}' ({made}) exists already. If an interrupted run created it" in refused
    assert f"import it by the id {name}-8" in refused
    blocks = {vm: made, endpoint: f"{name}-8", "polnor_warehouse_state.it": wh}
    imports = "".join(f'import {{\n  to = {to}\n  id = "{id_}"\n}}\n' for to, id_ in blocks.items())
    running = f'resource "polnor_warehouse_state" "it" {{\n  warehouse_id = "{wh}"\n  state = "running"\n}}\n'
    write(state="stopped", task="b", flavor="gpu.a100", version=8, more=imports + running)
    plan = workspace.plan()
    assert (plan.imports, plan.actions) == (set(blocks), {}), plan.output
    workspace.apply("tfplan")
    polnor.post(f"/compute/{made}/start").raise_for_status()
    plane.advance(SECONDS)
    workspace.destroy()  # the instance is stopped first
    assert instances(polnor) == {}


def test_lost_responses_create_one_instance_each(
    tmp_path: Path, plane: ControlPlane, polnor: httpx.Client, env: dict[str, str]
) -> None:
    stack = Stack(tmp_path / "stack", env, vendors=("polnor",), quick=True)
    name = unique("vm")
    faults: tuple[dict[str, Any], ...] = ({"effect": "lost_response"}, {"effect": "status_after", "status": 500})
    with plane.admin() as admin:
        for fault in faults:
            admin.post("/faults", json={"operation": "polnorCreateCompute", **fault}).raise_for_status()
    vms = {f"vm{number}": {"name": f"{name}-{number}", "flavor": "cpu.32"} for number in range(len(faults))}
    stack.write(
        {vm: ("polnor:ComputeInstance", fields) for vm, fields in vms.items()}, {vm: f"${{{vm}.id}}" for vm in vms}
    )
    said = stack.up().output
    for way in ("was lost", "was 500"):
        assert f"the response to its creation {way}" in said
    assert stack.outputs() == {vm: instances(polnor)[fields["name"]]["id"] for vm, fields in vms.items()}
    stack.destroy()


def test_a_create_outlasts_a_short_outage(
    tmp_path: Path, plane: ControlPlane, polnor: httpx.Client, env: dict[str, str]
) -> None:
    name = unique("vm")
    stack = Stack(tmp_path / "stack", env, vendors=("polnor",))
    stack.write({"vm": ("polnor:ComputeInstance", {"name": name, "flavor": "cpu.32"})})
    workspace = Workspace("terraform", tmp_path / "terraform", env)
    workspace.write(PROVIDER, "provider.tf")
    workspace.write(f'resource "polnor_compute_instance" "vm" {{\n  name = "{name}-2"\n  flavor = "cpu.32"\n}}\n')
    for run in (stack.up, workspace.apply):
        with plane.admin() as admin:
            rule = {"operation": "polnorCreateCompute", "effect": "status", "status": 503}
            admin.post("/faults", json=rule).raise_for_status()
        run()
        with plane.admin() as admin:
            assert [each["applied"] for each in admin.get("/faults").raise_for_status().json()] == [1]
            admin.delete("/faults").raise_for_status()
    assert set(instances(polnor)) == {name, f"{name}-2"}
    stack.assert_no_changes()
    workspace.settled()
    stack.destroy()
    workspace.destroy()


@pytest.mark.usefixtures("polnor")
def test_sql_and_a_warehouse(tmp_path: Path, plane: ControlPlane, env: dict[str, str]) -> None:
    """A login instead of a key; a warehouse that starts in the run; SQL on it."""
    login = {"POLNOR_BASE_URL": env["POLNOR_BASE_URL"], "POLNOR_EMAIL": DEVELOPER, "POLNOR_PASSWORD": plane.api_key}
    with plane.vendor("polnor/api/v1") as client:
        (warehouse,) = client.get("/sql/warehouses").json()["data"]
        client.post(f"/sql/warehouses/{warehouse['id']}/start").raise_for_status()
    workspace = Workspace("terraform", tmp_path / "it", login, vendors=("polnor",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    workspace.write(
        f"""
resource "polnor_warehouse_state" "it" {{
  warehouse_id = "{warehouse["id"]}"
  state        = "running"
}}
data "polnor_sql_execute" "it" {{
  query        = "SELECT 40 + 2 AS answer"
  warehouse_id = polnor_warehouse_state.it.warehouse_id
}}
output "rows" {{
  value = data.polnor_sql_execute.it.rows
}}
"""
    )
    running = workspace.start("apply", "-auto-approve", "-no-color")
    assert running.stdout is not None
    shown = ""
    while "Creating..." not in shown:
        shown += running.stdout.readline()
    plane.advance(200)
    assert running.wait() == 0, shown + running.stdout.read()
    assert workspace.outputs() == {"rows": [[42]]}
    workspace.settled()
    assert plane.api_key not in workspace.state_text
    shown = workspace.destroy(POLNOR_LOG="info", TF_LOG="info").output
    assert "goes on running, because the API cannot stop it" in shown


def test_a_login_is_checked(tmp_path: Path, env: dict[str, str]) -> None:
    stack = Stack(tmp_path / "stack", {**env, "POLNOR_EMAIL": "you@example.com"}, vendors=("polnor",), quick=True)
    stack.write({"job": ("polnor:Job", {"name": "x"})})
    assert "`password` (POLNOR_PASSWORD): both are set" in stack.preview(ok=False).output
    refused = stack.preview(ok=False, POLNOR_EMAIL="", POLNOR_API_KEY="")
    assert "apiKey" in refused.output


def test_an_action_is_a_function_of_pulumi_that_no_preview_calls(
    tmp_path: Path, polnor: httpx.Client, env: dict[str, str]
) -> None:
    stack = Stack(tmp_path / "stack", env, vendors=("polnor",), quick=True)
    job = polnor.post("/jobs", json={"name": unique("job"), "tasks": [{"key": "t", "command": "echo it"}]}).json()["id"]
    run = {"fn::invoke": {"function": "polnor:jobRun", "arguments": {"jobId": job}}}
    stack.write({}, {"run": "${run.runId}", "status": "${run.status}"}, variables={"run": run})
    assert any("`jobRun` is not run in a preview" in row for row in stack.preview().rows)
    stack.up()
    first = stack.outputs()
    assert first["status"] == "success"
    assert polnor.get(f"/runs/{first['run']}").json()["status"] == "success"
    shown = stack.run("do", "polnor:index:jobRun", "--job-id", job).output
    second = next(word for word in re.findall(r"run_\w+", shown) if word != first["run"])
    assert polnor.get(f"/runs/{second}").json()["status"] == "success"
    stack.destroy()
