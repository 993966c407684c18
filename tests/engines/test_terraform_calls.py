"""What an apply costs in calls on Terraform and OpenTofu, which plan each change twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.calls import counted
from support.control_plane import ControlPlane, create_database, new_key
from support.terraform import ENGINES, Workspace

MANY = 12  # more than the engines apply at once
BLUEPRINTS = f"""
resource "polykomos_blueprint" "bp" {{
  count       = {MANY}
  name        = "calls-${{count.index}}"
  sql_content = "SELECT ${{count.index}} + %s"
}}
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture(params=ENGINES)
def workspace(
    request: pytest.FixtureRequest, plane: ControlPlane, new_workspace: Callable[..., Workspace]
) -> Workspace:
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    return new_workspace(request.param, connection)


def test_what_was_planned_is_not_judged_again_while_it_is_applied(plane: ControlPlane, workspace: Workspace) -> None:
    for number, operation in enumerate(("createBlueprint", "updateBlueprint")):
        workspace.write(BLUEPRINTS % number)
        with counted(plane) as calls:
            workspace.apply()
        assert calls[operation] == MANY
        assert calls["createBlueprintValidation"] == MANY, calls
    workspace.settled()
    workspace.destroy()


def test_an_application_is_tried_once_a_run(plane: ControlPlane, workspace: Workspace) -> None:
    """By the first plan. The second, while it is applied, has to say the same, and need not ask for it."""
    with plane.client() as api:
        database = create_database(api)["uuid"]
        body = {"name": "tried", "sql_content": "SELECT {{n}}", "variables": {"n": {"type": "number"}}}
        made = api.post("/blueprints", json=body, headers=new_key()).raise_for_status().json()["data"]

    def apply(count: int, added: int = 0) -> dict[str, int]:
        workspace.write(f"""
          resource "polykomos_blueprint_application" "run" {{
            count             = {count}
            database_uuid     = "{database}"
            blueprint_uuid    = "{made["uuid"]}"
            blueprint_version = {made["version"]}
            variables         = {{ n = count.index + {added} }}
          }}
        """)
        with counted(plane) as calls:
            workspace.apply()
        return calls

    assert apply(3)["createDatabaseBlueprintApplication"] == 3 * 2, "the trial, and the application"
    workspace.settled()
    assert apply(3, added=10)["createDatabaseBlueprintApplication"] == 3 * 2, "replaced"
    workspace.settled()
    # A saved plan is applied by another command, which tries what it applies.
    workspace.plan()
    with counted(plane) as calls:
        workspace.run("apply", "tfplan")
    assert calls["createDatabaseBlueprintApplication"] == 0, "nothing to do"
    workspace.destroy()
