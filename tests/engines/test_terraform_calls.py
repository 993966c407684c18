"""What an apply costs in calls on Terraform and OpenTofu, which plan each change twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.calls import counted
from support.control_plane import ControlPlane
from support.terraform import ENGINES, Workspace

MANY, AT_ONCE = 30, 3
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


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_planned_is_not_judged_again_while_it_is_applied(
    engine: str, plane: ControlPlane, new_workspace: Callable[..., Workspace]
) -> None:
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    workspace = new_workspace(engine, connection)
    for number, operation in enumerate(("createBlueprint", "updateBlueprint")):
        workspace.write(BLUEPRINTS % number)
        with counted(plane) as calls:
            workspace.apply(f"-parallelism={AT_ONCE}")
        assert calls[operation] == MANY
        # Those that were under way before the first was applied could not know.
        assert MANY <= calls["createBlueprintValidation"] <= MANY + AT_ONCE, calls
    workspace.settled()
    workspace.destroy()
