"""A key of another account sees nothing of this one's objects: that is no deletion, on any engine and path."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import OTHER_KEY, ControlPlane, new_key
from support.naming import unique
from support.pulumi import Stack
from support.terraform import Workspace

POLYKOMOS = Path(sys.executable).with_name("polykomos")
SQL = "CREATE TABLE IF NOT EXISTS t (n int);"
HOOK = "https://hooks.example.com/accounts"
OTHER = {"POLYKOMOS_API_KEY": OTHER_KEY}
TOLD = "another account"


def program(name: str, limit: int = 5) -> dict[str, Any]:
    return {
        "db": ("Database", {"name": name, "connectionHardLimit": limit}),
        "sql": ("Blueprint", {"name": name, "sqlContent": SQL}),
        "hook": ("WebhookEndpoint", {"url": HOOK}),
        "app": ("BlueprintApplication", {"databaseUuid": "${db.uuid}", "blueprintUuid": "${sql.uuid}"}),
    }


def module(name: str, limit: int = 5) -> str:
    return f"""
resource "polykomos_database" "db" {{
  name                  = "{name}"
  connection_hard_limit = {limit}
}}
resource "polykomos_blueprint" "sql" {{
  name        = "{name}"
  sql_content = "{SQL}"
}}
resource "polykomos_webhook_endpoint" "hook" {{
  url = "{HOOK}"
}}
resource "polykomos_blueprint_application" "app" {{
  database_uuid  = polykomos_database.db.uuid
  blueprint_uuid = polykomos_blueprint.sql.uuid
}}
"""


def ids_in(stack: Stack) -> dict[str, str]:
    found = stack.state()["deployment"]["resources"]
    return {each["urn"].rpartition("::")[2]: each["id"] for each in found if "polykomos:index" in each["type"]}


@pytest.fixture
def keyless(new_stack: Callable[..., Stack], control_plane: ControlPlane) -> Stack:
    """A stack whose commands are given their key."""
    return new_stack({"POLYKOMOS_BASE_URL": control_plane.base_url})


def test_another_accounts_key_drops_nothing_from_a_stack(
    keyless: Stack, control_plane: ControlPlane, api: httpx.Client
) -> None:
    stack, own, name = keyless, {"POLYKOMOS_API_KEY": control_plane.api_key}, unique("acc")
    stack.write(program(name))
    stack.up(**own)
    before = ids_in(stack)
    assert len(before) == 4
    for resource in stack.state()["deployment"]["resources"]:
        if "polykomos:index" in resource["type"]:
            assert "@" not in resource["outputs"]["__account"], "a fingerprint, no address"

    for command in (stack.refresh, lambda **more: stack.preview("--refresh", **more)):
        told = command(ok=False, **OTHER).output
        assert TOLD in told
        assert "other@polykomos.localhost" in told
        assert ids_in(stack) == before
    stack.write(program(name, 7))
    told = stack.up(ok=False, **OTHER).output
    assert TOLD in told
    assert "Refresh the state, and it will be created again" not in told
    assert TOLD in stack.destroy(ok=False, **OTHER).output
    assert ids_in(stack) == before
    # Nor does it make an object of its own account in the place of one that it cannot delete.
    replaced = program(name)
    replaced["hook"][1]["url"] += "/other"
    stack.write(replaced)
    assert TOLD in stack.up(ok=False, **OTHER).output
    assert ids_in(stack) == before
    stack.write(program(name, 7))
    drift = [str(POLYKOMOS), "drift", "pulumi", "--stack", "dev"]
    done = subprocess.run(
        drift, cwd=stack.directory, env={**stack.env, **OTHER}, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert TOLD in done.stdout + done.stderr

    done = adopt(stack, OTHER)
    assert done.returncode == 1
    assert TOLD in done.stderr
    assert "managed already: 1 database, 1 blueprint, 1 webhook_endpoint" in " ".join(adopt(stack, own).stderr.split())

    # The right account: what it does not find is gone.
    stack.up(**own)
    api.delete(f"/databases/{before['db']}", headers=new_key()).raise_for_status()
    api.delete(f"/blueprints/{before['sql']}").raise_for_status()
    stack.refresh(**own)
    assert ids_in(stack) == {"hook": before["hook"], "app": before["app"]}
    stack.destroy(**own)


def adopt(stack: Stack, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [str(POLYKOMOS), "adopt", "pulumi", "--all", "--stack", "dev"]
    return subprocess.run(
        words, cwd=stack.directory, env={**stack.env, **env}, capture_output=True, text=True, check=False, timeout=180
    )


def without_accounts(stack: Stack) -> None:
    """Make the state one of a release that recorded no account."""
    state = stack.state()
    for resource in state["deployment"]["resources"]:
        resource.get("outputs", {}).pop("__account", None)
    path = stack.directory / "older.json"
    path.write_text(json.dumps(state))
    stack.run("stack", "import", "--file", str(path))


def test_a_stack_of_an_older_release_is_read_and_gets_its_account(
    keyless: Stack, control_plane: ControlPlane, api: httpx.Client
) -> None:
    stack, own, name = keyless, {"POLYKOMOS_API_KEY": control_plane.api_key}, unique("old")
    stack.write(program(name))
    stack.up(**own)
    before = ids_in(stack)
    without_accounts(stack)
    assert TOLD in stack.refresh(ok=False, **OTHER).output
    assert ids_in(stack) == before
    api.delete(f"/databases/{before['db']}", headers=new_key()).raise_for_status()
    stack.refresh(**own)
    assert ids_in(stack).keys() == {"sql", "hook", "app"}
    found = [each["outputs"] for each in stack.state()["deployment"]["resources"] if "polykomos:index" in each["type"]]
    assert len({each["__account"] for each in found if "__account" in each}) == 1
    assert sum("__account" in each for each in found) == 2, "an application that has ended is not asked for"
    stack.up(**own)
    without_accounts(stack)
    stack.refresh("--expect-no-changes", **own)
    stack.run("preview", "--expect-no-changes", **own)
    stack.destroy(**own)


def test_another_accounts_key_drops_nothing_from_a_state(
    started_workspace: Workspace, control_plane: ControlPlane, api: httpx.Client
) -> None:
    workspace, name = started_workspace, unique("acc")
    workspace.write(module(name))
    workspace.apply()
    before = workspace.state_text
    told = workspace.plan(ok=False, **OTHER).diagnostics
    assert TOLD in told
    assert "other@polykomos.localhost" in told
    workspace.write(module(name, 7))
    assert TOLD in workspace.apply("-refresh=false", ok=False, **OTHER).diagnostics
    assert TOLD in workspace.destroy("-refresh=false", ok=False, **OTHER).diagnostics
    workspace.write(module(name).replace(HOOK, f"{HOOK}/other"))
    assert TOLD in workspace.plan("-refresh=false", ok=False, **OTHER).diagnostics
    workspace.write(module(name, 7))
    assert _ids(workspace.state_text) == _ids(before)
    words = [str(POLYKOMOS), "drift", "terraform", "--program", workspace.program]
    env = {**workspace.env, **OTHER}
    done = subprocess.run(
        words, cwd=workspace.directory, env=env, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert TOLD in " ".join((done.stdout + done.stderr).split())

    made = _ids(before)
    api.delete(f"/databases/{made['polykomos_database']}", headers=new_key()).raise_for_status()
    assert workspace.plan().actions["polykomos_database.db"] == "create"
    # A state of a release that recorded no account.
    state = json.loads(before)
    for resource in state["resources"]:
        for instance in resource["instances"]:
            private = json.loads(base64.b64decode(instance["private"]))
            assert private.pop("account")
            instance["private"] = base64.b64encode(json.dumps(private).encode()).decode()
    (workspace.directory / "terraform.tfstate").write_text(json.dumps(state))
    assert TOLD in workspace.plan(ok=False, **OTHER).diagnostics
    assert workspace.plan().actions["polykomos_database.db"] == "create"
    workspace.apply()
    (workspace.directory / "terraform.tfstate.backup").unlink(missing_ok=True)
    accounts = {
        json.loads(base64.b64decode(instance["private"])).get("account")
        for resource in json.loads(workspace.state_text)["resources"]
        for instance in resource["instances"]
    }
    assert len(accounts) == 1
    assert accounts != {None}
    workspace.destroy()


PYTHON = """
import pulumi
from polykomos_provider import dynamic as polykomos

polykomos.Database("db", name="{name}", connection_hard_limit={limit})
polykomos.Blueprint("sql", name="{name}", sql_content="{sql}")
"""


def test_another_accounts_key_drops_nothing_of_the_dynamic_provider(
    new_stack: Callable[..., Stack], control_plane: ControlPlane, api: httpx.Client
) -> None:
    stack, name = new_stack({"POLYKOMOS_BASE_URL": control_plane.base_url}, runtime="python"), unique("dyn")
    own = {"POLYKOMOS_API_KEY": control_plane.api_key}

    def write(limit: int) -> None:
        (stack.directory / "__main__.py").write_text(PYTHON.format(name=name, limit=limit, sql=SQL))

    def ids() -> dict[str, str]:
        found = stack.state()["deployment"]["resources"]
        return {each["urn"].rpartition("::")[2]: each["id"] for each in found if "dynamic" in each["type"]}

    write(5)
    stack.up(**own)
    before = ids()
    assert len(before) == 2
    assert TOLD in stack.refresh(ok=False, **OTHER).output
    write(7)
    assert TOLD in stack.up(ok=False, **OTHER).output
    assert TOLD in stack.destroy(ok=False, **OTHER).output
    assert ids() == before
    stack.up(**own)
    api.delete(f"/databases/{before['db']}", headers=new_key()).raise_for_status()
    stack.refresh(**own)
    assert ids().keys() == {"sql"}
    stack.destroy(**own)


def _ids(state: str) -> dict[str, str]:
    return {each["type"]: each["instances"][0]["attributes"]["id"] for each in json.loads(state)["resources"]}
