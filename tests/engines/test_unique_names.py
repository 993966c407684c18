"""A service with unique names: what a replacement comes to is said before it is applied, with the ways out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.control_plane import ControlPlane, create_database
from support.pulumi import Stack
from support.terraform import Workspace

IN_THE_WAY = "the old database has the name"


@pytest.fixture(scope="module")
def strict() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2", "--strict") as running:
        yield running


@pytest.fixture
def connection(strict: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": strict.base_url, "POLYKOMOS_API_KEY": strict.api_key}


def test_pulumi_says_that_the_name_is_in_the_way(stack: Stack) -> None:
    stack.write({"db": ("Database", {"name": "unique", "plan": "free"})})
    stack.up()
    bigger = {"name": "unique", "plan": "launch"}
    stack.write({"db": ("Database", bigger)})
    told = stack.preview()
    assert told.replaces == {"db": ["plan"]}
    assert IN_THE_WAY in told.diagnostics
    assert "deleteBeforeReplace" in told.diagnostics
    failed = stack.up(ok=False).output
    assert "name_taken" in failed
    assert "deleteBeforeReplace" in failed
    stack.write({"db": ("Database", bigger, {"deleteBeforeReplace": True})})
    stack.up()
    stack.write({"db": ("Database", {**bigger, "name": "unique-2", "plan": "free"})})
    assert IN_THE_WAY not in stack.preview().diagnostics
    stack.up()
    stack.destroy()


def test_a_plan_says_that_the_name_is_in_the_way(started_workspace: Workspace) -> None:
    workspace = started_workspace
    text = """
resource "polykomos_database" "db" {{
  name = "planned"
  plan = "{plan}"
  lifecycle {{
    create_before_destroy = {before}
  }}
}}
"""
    workspace.write(text.format(plan="free", before="true"))
    workspace.apply()
    workspace.write(text.format(plan="launch", before="true"))
    told = workspace.plan()
    assert told.replaces == {"polykomos_database.db": ["plan"]}
    assert IN_THE_WAY in told.diagnostics
    assert "create_before_destroy" in told.diagnostics
    failed = workspace.apply("tfplan", ok=False).diagnostics
    assert "name_taken" in failed
    assert "remove `create_before_destroy`" in failed
    workspace.write(text.format(plan="launch", before="false"))
    workspace.apply()
    workspace.destroy()


def test_a_service_where_names_repeat_is_not_warned_of(
    new_stack: Callable[..., Stack], control_plane: ControlPlane
) -> None:
    stack = new_stack({"POLYKOMOS_BASE_URL": control_plane.base_url, "POLYKOMOS_API_KEY": control_plane.api_key})
    with control_plane.client() as api:
        for _ in range(2):
            create_database(api, "repeated")
    stack.write({"db": ("Database", {"name": "repeated", "plan": "free"})})
    stack.up()
    stack.write({"db": ("Database", {"name": "repeated", "plan": "launch"})})
    assert IN_THE_WAY not in stack.preview().diagnostics
    stack.up()
    stack.destroy()
