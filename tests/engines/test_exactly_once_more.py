"""Exactly once where the engine's state is not where one looks first, or nobody died: on the real engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, database_names, new_key
from support.naming import unique
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace


@pytest.fixture
def admin(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with control_plane.admin() as admin:
        yield admin
        admin.delete("/faults").raise_for_status()


def lost_answer(admin: httpx.Client, operation: str) -> None:
    admin.post("/faults", json={"operation": operation, "effect": "lost_response"}).raise_for_status()


def test_a_lost_answer_is_no_interrupted_run(stack: Stack, control_plane: ControlPlane, admin: httpx.Client) -> None:
    """In the first run of all: the stack's state holds the provider, and by that is known to be the right one."""
    name = unique("own")
    stack.write({"db": ("Database", {"name": name})})
    lost_answer(admin, "createDatabase")
    admin.post("/faults", json={"operation": "getDatabase", "effect": "status", "status": 404}).raise_for_status()
    shown = stack.up()
    assert "adopted existing" not in shown.output
    assert database_names(control_plane).count(name) == 1
    stack.destroy()


def test_an_object_that_was_retained_is_taken_over_aloud(stack: Stack, control_plane: ControlPlane) -> None:
    name = unique("kept")
    rest: dict[str, Any] = {"bp": ("Blueprint", {"name": name, "sqlContent": "SELECT 1"})}
    stack.write({**rest, "db": ("Database", {"name": name}, {"retainOnDelete": True})})
    stack.up()
    kept = stack.resource("db")["id"]
    stack.write(rest)
    stack.up()
    assert database_names(control_plane).count(name) == 1
    stack.write({**rest, "db": ("Database", {"name": name})})
    shown = stack.up()
    assert stack.resource("db")["id"] == kept
    assert f"database {kept}: an interrupted run created it for this resource" in shown.diagnostics
    # The way out for one that is to stay apart.
    stack.run("state", "delete", "urn:pulumi:dev::story::polykomos:index:Database::db", "--yes")
    stack.write({**rest, "other": ("Database", {"name": name})})
    stack.up()
    assert stack.resource("other")["id"] != kept
    stack.destroy()


def test_a_preview_bears_a_database_that_is_still_provisioning(
    stack: Stack, api: httpx.Client, admin: httpx.Client
) -> None:
    """As after a create that ran out of time."""
    name = unique("late")
    admin.patch("/provisioning", json={"delay_seconds": 300, "pool_size": 0}).raise_for_status()
    try:
        database = api.post("/databases", json={"name": name}, headers=new_key()).json()["data"]["uuid"]
        sql = api.post("/blueprints", json={"name": name, "sql_content": "SELECT 1"}, headers=new_key()).json()["data"]
        stack.write({"run": ("BlueprintApplication", {"databaseUuid": database, "blueprintUuid": sql["uuid"]})})
        assert "dry run skipped: The database is provisioning" in stack.preview().output
    finally:
        admin.patch("/provisioning", json={"delay_seconds": 0, "pool_size": 2}).raise_for_status()
        api.delete(f"/databases/{database}", headers=new_key()).raise_for_status()


ALIKE = """
resource "polykomos_database" "db" {{
  count = {count}
  name  = "{name}"
}}
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_instances_are_not_joined_whichever_state_is_used(
    new_workspace: Callable[..., Workspace],
    connection: dict[str, str],
    control_plane: ControlPlane,
    engine: str,
) -> None:
    name = unique("alike")
    workspace = new_workspace(engine, {**connection, "POLYKOMOS_IDEMPOTENCY_SCOPE": name})
    workspace.write(ALIKE.format(name=name, count=1))
    workspace.apply("-state=own.tfstate")
    # Nothing tells the provider of the first one: it is neither read nor changed, and the other state is empty.
    workspace.write(ALIKE.format(name=name, count=2))
    workspace.apply("-state=own.tfstate", "-refresh=false", "-target=polykomos_database.db[1]")
    kept = json.loads((workspace.directory / "own.tfstate").read_text())["resources"][0]["instances"]
    ids = {instance["attributes"]["id"] for instance in kept}
    assert len(ids) == 2
    # Another workspace of the same scope.
    workspace.write(ALIKE.format(name=name, count=1))
    workspace.run("workspace", "new", "other")
    workspace.apply()
    assert workspace.resource("polykomos_database.db[0]")["id"] not in ids
    assert database_names(control_plane).count(name) == 3
    workspace.destroy()
    workspace.write("")
    workspace.apply("-state=own.tfstate")
    assert name not in database_names(control_plane)
