"""What a killed `apply` has made is found by the next one where `idempotency_scope` is set; and nothing is joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, wait_until
from support.killing import kill_apply
from support.terraform import ENGINES, Workspace

ONE = """
resource "polykomos_database" "db" {{
  count = {count}
  name  = "once"
}}
"""


@pytest.fixture(params=ENGINES)
def workspace(
    request: pytest.FixtureRequest, new_workspace: Callable[..., Workspace], admin: httpx.Client
) -> Workspace:
    return new_workspace(request.param, POLYKOMOS_IDEMPOTENCY_SCOPE="tests/once")


def there(plane: ControlPlane) -> set[str]:
    with plane.client() as api:
        found = api.get("/databases", params={"limit": 100}).json()["data"]
    return {each["uuid"] for each in found if each["status"] != "deleted"}


def held(workspace: Workspace) -> set[str]:
    return {values["uuid"] for values in workspace.resources().values()}


def late(admin: httpx.Client, **rule: Any) -> None:
    rule = {"operation": "createDatabase", "effect": "latency", "seconds": 60, **rule}
    admin.post("/faults", json=rule).raise_for_status()


def test_a_killed_apply(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    workspace.write(ONE.format(count=1))
    late(admin)
    kill_apply(workspace, lambda: there(plane))
    admin.delete("/faults").raise_for_status()
    made = there(plane)
    workspace.apply()
    assert held(workspace) == made == there(plane)
    workspace.settled()


def test_a_saved_plan_that_was_killed_is_applied_again(
    workspace: Workspace, plane: ControlPlane, admin: httpx.Client
) -> None:
    workspace.write(ONE.format(count=1))
    workspace.plan()
    late(admin)
    kill_apply(workspace, lambda: there(plane), "tfplan")
    admin.delete("/faults").raise_for_status()
    made = there(plane)
    workspace.apply("tfplan")
    assert held(workspace) == made == there(plane)


def test_instances_that_are_alike_are_never_joined(
    workspace: Workspace, plane: ControlPlane, admin: httpx.Client
) -> None:
    workspace.write(ONE.format(count=2))
    workspace.apply()
    assert len(held(workspace)) == 2
    # A third, made and lost: the keys of the first two come again before its own.
    workspace.write(ONE.format(count=3))
    late(admin)
    kill_apply(workspace, lambda: len(there(plane)) == 3)
    admin.delete("/faults").raise_for_status()
    workspace.apply()
    assert held(workspace) == there(plane)
    assert len(there(plane)) == 3
    workspace.settled()


def test_a_forced_replacement_gets_a_new_object(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    lifecycle = "  lifecycle {{ create_before_destroy = true }}\n}}"
    workspace.write(ONE.replace("}}", lifecycle).format(count=1))
    workspace.apply()
    old = held(workspace)
    workspace.apply("-replace=polykomos_database.db[0]")
    assert held(workspace) == there(plane)
    assert not held(workspace) & old


def test_destroyed_and_applied_again(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    workspace.write(ONE.format(count=1))
    seen: set[str] = set()
    for _ in range(2):
        workspace.apply()
        assert held(workspace) == there(plane)
        assert not held(workspace) & seen
        seen |= held(workspace)
        workspace.destroy()
        assert not there(plane)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lost_answer_is_repeated_with_its_key_without_a_scope(
    new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client, engine: str
) -> None:
    workspace = new_workspace(engine, "unscoped")
    workspace.write(ONE.format(count=1))
    rule = {"operation": "createDatabase", "effect": "lost_response"}
    admin.post("/faults", json=rule).raise_for_status()
    workspace.apply()
    assert held(workspace) == there(plane)
    wait_until(lambda: len(there(plane)) == 1)


def test_scopes_do_not_meet(new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client) -> None:
    made = []
    for name in ("one", "other"):
        workspace = new_workspace("terraform", name, POLYKOMOS_IDEMPOTENCY_SCOPE=name)
        workspace.write(ONE.format(count=1))
        workspace.apply()
        made.append(held(workspace))
    assert made[0] | made[1] == there(plane)
    assert len(there(plane)) == 2
