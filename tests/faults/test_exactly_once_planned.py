"""Terraform 1.16 sends a plan's private state to the apply: a saved plan creates each object once, without a scope."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import psycopg

from support.control_plane import ControlPlane
from support.process_kill import kill_apply
from support.scenarios import KINDS, ids_in_state, there
from support.terraform import NEWEST, Workspace

# Two databases that only their index distinguishes, and one object of each other type.
PROGRAM = """
resource "polykomos_database" "twin" {
  count = 2
  name  = "planned"
}
resource "polykomos_blueprint" "bp" {
  name        = "planned"
  sql_content = "CREATE TABLE IF NOT EXISTS seen (n int); INSERT INTO seen VALUES (1);"
}
resource "polykomos_blueprint_application" "run" {
  database_uuid     = polykomos_database.twin[0].uuid
  blueprint_uuid    = polykomos_blueprint.bp.uuid
  blueprint_version = polykomos_blueprint.bp.version
}
resource "polykomos_webhook_endpoint" "hook" {
  url = "https://example.com/planned"
}
"""


def ids(plane: ControlPlane) -> dict[str, set[str]]:
    return {kind: set(objects) for kind, objects in there(plane).items()}


def test_a_saved_plan_that_is_applied_again_creates_nothing_twice(
    new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client
) -> None:
    workspace = new_workspace(NEWEST)
    workspace.write(PROGRAM)
    workspace.plan()
    rule = {"operation": "createDatabaseBlueprintApplication", "effect": "latency", "seconds": 60}
    admin.post("/faults", json=rule).raise_for_status()
    state = workspace.directory / "terraform.tfstate"
    # The application is the last create: all other objects exist, and the state of this kill reached no backend.
    kill_apply(workspace, lambda: admin.get("/faults").json()[0]["applied"], "tfplan")
    admin.delete("/faults").raise_for_status()
    created = ids(plane)
    assert [len(created[kind]) for kind in KINDS] == [2, 1, 1]
    for warning in ("adopted existing", ""):
        state.unlink(missing_ok=True)
        applied = workspace.apply("tfplan")
        assert warning in applied.diagnostics
        assert ids_in_state(workspace) == created == ids(plane)
        (url,) = {workspace.resource("polykomos_database.twin[0]")["connection_string"]}
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM seen").fetchone() == (1,)
    workspace.settled()
    # Another plan is another create.
    workspace.apply("-replace=polykomos_database.twin[1]")
    assert ids_in_state(workspace) == ids(plane)
    assert len(ids(plane)["databases"] & created["databases"]) == 1
