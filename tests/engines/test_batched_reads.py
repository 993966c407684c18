"""Finding drift costs a few calls on the real engines, by the control plane's own request log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.calls import counted
from support.control_plane import ControlPlane, new_key
from support.pulumi import Stack
from support.terraform import PREAMBLE, Workspace

MANY = 130
# Pages of 100, and the first read that could not know of the others.
PAGES = 2
FEW = {"getBlueprint": 1, "listBlueprints": PAGES}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "3") as plane:
        yield plane


@pytest.fixture
def connection(plane: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}


def blueprint(number: int) -> dict[str, str]:
    return {"name": f"many-{number}", "sqlContent": f"SELECT {number}"}


def test_pulumi_finds_drift_of_many_in_a_few_calls(stack: Stack, plane: ControlPlane) -> None:
    stack.write({f"bp{number}": ("Blueprint", blueprint(number)) for number in range(MANY)})
    stack.up()
    with counted(plane) as calls:
        assert not stack.refresh("--expect-no-changes").ops
    assert calls == FEW
    with counted(plane) as calls:
        assert not stack.preview("--refresh", "--expect-no-changes").ops
    assert calls == FEW

    gone, renamed, rewritten = (stack.resource(f"bp{number}")["id"] for number in (3, 50, 120))
    with plane.client() as others:
        others.delete(f"/blueprints/{gone}").raise_for_status()
        others.patch(f"/blueprints/{renamed}", json={"name": "by-hand"}).raise_for_status()
        others.patch(f"/blueprints/{rewritten}", json={"sql_content": "SELECT 'by hand'"}).raise_for_status()
    with counted(plane) as calls:
        found = stack.preview("--refresh")
    assert found.ops == {"bp3": "create", "bp50": "update", "bp120": "update"}
    assert calls.pop("createBlueprintValidation") == 2, "what would change is checked"
    assert calls["listBlueprints"] == PAGES
    assert calls.pop("getMe") == 1, "whose account it is that says what is gone"
    assert calls.total() <= PAGES + 1 + 3, "one more for each that is gone or has changed"
    stack.up("--refresh")
    stack.assert_no_changes()
    stack.destroy()


@pytest.mark.parametrize("engine", ["terraform", "tofu"])
def test_terraform_finds_drift_of_many_in_a_few_calls(
    engine: str, new_workspace: Callable[..., Workspace], plane: ControlPlane
) -> None:
    workspace = new_workspace(engine)
    # A plan on a busy machine takes longer than a page is used by default.
    workspace.write(PREAMBLE.replace('"polykomos" {}', '"polykomos" { read_snapshot_seconds = 300 }'), "provider.tf")
    workspace.write(f"""
      resource "polykomos_blueprint" "bp" {{
        count       = {MANY}
        name        = "tf-${{count.index}}"
        sql_content = "SELECT ${{count.index}}"
      }}
    """)
    workspace.apply()
    with counted(plane) as calls:
        workspace.settled()
    assert calls == FEW
    found = workspace.resources()
    with plane.client() as others:
        others.delete(f"/blueprints/{found['polykomos_blueprint.bp[3]']['uuid']}").raise_for_status()
        uuid = found["polykomos_blueprint.bp[120]"]["uuid"]
        others.patch(f"/blueprints/{uuid}", json={"sql_content": "SELECT 'by hand'"}).raise_for_status()
    with counted(plane) as calls:
        planned = workspace.plan()
    assert planned.actions == {"polykomos_blueprint.bp[3]": "create", "polykomos_blueprint.bp[120]": "update"}
    assert calls["listBlueprints"] == PAGES
    assert calls["getBlueprint"] <= 1 + 2
    workspace.destroy()


def test_each_kind_on_pulumi(stack: Stack, plane: ControlPlane) -> None:
    """Databases keep their credentials without a read; applications that have ended need none; endpoints one list."""
    databases: dict[str, Any] = {f"db{number}": ("Database", {"name": f"kind-{number}"}) for number in range(6)}
    migration = ("Blueprint", {"name": "kind", "sqlContent": "CREATE TABLE t (id int)"})
    runs: dict[str, Any] = {
        f"run{number}": (
            "BlueprintApplication",
            {"databaseUuid": f"${{db{number}.uuid}}", "blueprintUuid": "${bp.uuid}"},
        )
        for number in range(6)
    }
    hooks: dict[str, Any] = {
        f"hook{number}": ("WebhookEndpoint", {"url": f"https://hooks.example.com/{number}"}) for number in range(4)
    }
    program = {**databases, **runs, **hooks, "bp": migration}
    stack.write(program)
    stack.up()
    before = {name: stack.resource(name)["outputs"] for name in ("db0", "db5", "run3", "hook1")}
    with counted(plane) as calls:
        assert not stack.refresh("--expect-no-changes").ops
    assert (calls["listDatabases"], calls["getDatabase"], calls["listWebhookEndpoints"]) == (1, 1, 1)
    assert calls["getBlueprint"] + calls["listBlueprints"] <= 2, "the blueprint, and whether its version moved on"
    assert calls.total() <= 5, "and none for the applications"
    assert {name: stack.resource(name)["outputs"] for name in before} == before, "secrets and all"

    id_ = stack.resource("db5")["id"]
    with plane.client() as others:
        others.patch(f"/databases/{id_}", json={"name": "by-hand"}, headers=new_key()).raise_for_status()
        others.delete(f"/databases/{stack.resource('db2')['id']}", headers=new_key()).raise_for_status()
    with counted(plane) as calls:
        assert stack.refresh().output
    assert calls["listDatabases"] == 1
    assert calls["getDatabase"] <= 1 + 2
    assert stack.resource("db5")["outputs"]["name"] == "by-hand"
    password = stack.resource("db5")["outputs"]["dbPassword"]
    assert password == before["db5"]["dbPassword"]
    assert "db2" not in [each["urn"].rpartition("::")[2] for each in stack.state()["deployment"]["resources"]]


def test_a_tracked_blueprint_is_looked_up_once_for_all_its_applications(stack: Stack, plane: ControlPlane) -> None:
    program: dict[str, Any] = {
        "db": ("Database", {"name": "tracked"}),
        "bp": ("Blueprint", {"name": "tracked", "sqlContent": "SELECT 1"}),
    }
    for number in range(12):
        properties = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}
        program[f"run{number}"] = ("BlueprintApplication", properties)
    stack.write(program)
    stack.up()
    with counted(plane) as calls:
        stack.preview("--refresh", "--expect-no-changes")
    assert calls["getBlueprint"] + calls["listBlueprints"] <= 4
    assert calls.total() <= 6, calls
    program["bp"] = ("Blueprint", {"name": "tracked", "sqlContent": "SELECT 2"})
    stack.write(program)
    replaced = stack.up().count
    assert replaced == {"update": 1, "create-replacement+replace+delete-replaced": 12}, "no stale version is seen"


def test_the_age_can_be_set_and_reads_be_single(new_stack: Callable[..., Stack], plane: ControlPlane) -> None:
    stack = new_stack()
    stack.write({f"bp{number}": ("Blueprint", blueprint(number)) for number in range(4)})
    stack.up()
    stack.run("config", "set", "polykomos:readSnapshotSeconds", "0")
    stack.up()  # a refresh goes by the settings in the state
    with counted(plane) as calls:
        stack.refresh()
    assert calls == {"getBlueprint": 4}
    stack.run("config", "set", "polykomos:readSnapshotSeconds", "301")
    refused = stack.preview(ok=False)
    assert "readSnapshotSeconds" in refused.output
    assert "must be from 0 to 300" in refused.output
