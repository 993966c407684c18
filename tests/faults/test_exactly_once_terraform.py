"""What a killed `apply` has made is found by the next one where `idempotency_scope` is set; and nothing is joined."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from polykomos.version import VERSION
from polykomos_provider.install.terraform_mirror import write_mirror
from support.broken_creates import refused_after
from support.control_plane import ControlPlane, database_names, wait_until
from support.process_kill import kill_apply
from support.terraform import ENGINES, Workspace

ONE = """
resource "polykomos_database" "db" {{
  count = {count}
  name  = "once"
}}
"""

# Of an application whose arguments are all known, in one `apply`: its plan is handed on to the process that applies it.
DRY_RUNS = 1


@pytest.fixture(params=ENGINES)
def workspace(
    request: pytest.FixtureRequest, new_workspace: Callable[..., Workspace], admin: httpx.Client
) -> Workspace:
    return new_workspace(request.param, POLYKOMOS_IDEMPOTENCY_SCOPE="tests/once")


def there(plane: ControlPlane, kind: str = "databases") -> set[str]:
    with plane.client() as api:
        found = api.get(f"/{kind}", params={"limit": 100}).json()["data"]
    return {str(each.get("uuid", each.get("id"))) for each in found if each["status"] not in ("deleted", "revoked")}


def saved_ids(workspace: Workspace) -> set[str]:
    return {values["id"] for values in workspace.resources().values()}


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
    assert saved_ids(workspace) == made == there(plane)
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
    assert saved_ids(workspace) == made == there(plane)


def test_instances_that_are_alike_are_never_joined(
    workspace: Workspace, plane: ControlPlane, admin: httpx.Client
) -> None:
    workspace.write(ONE.format(count=2))
    workspace.apply()
    assert len(saved_ids(workspace)) == 2
    # A third, made and lost: the keys of the first two come again before its own.
    workspace.write(ONE.format(count=3))
    late(admin, skip=2)
    kill_apply(workspace, lambda: len(there(plane)) == 3)
    assert [rule["applied"] for rule in admin.get("/faults").json()] == [1]
    admin.delete("/faults").raise_for_status()
    workspace.apply()
    assert saved_ids(workspace) == there(plane)
    assert len(there(plane)) == 3
    workspace.settled()


def test_a_forced_replacement_gets_a_new_object(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    lifecycle = "  lifecycle {{ create_before_destroy = true }}\n}}"
    workspace.write(ONE.replace("}}", lifecycle).format(count=1))
    workspace.apply()
    old = saved_ids(workspace)
    workspace.apply("-replace=polykomos_database.db[0]")
    assert saved_ids(workspace) == there(plane)
    assert not saved_ids(workspace) & old


def test_destroyed_and_applied_again(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    workspace.write(ONE.format(count=1))
    seen: set[str] = set()
    for _ in range(2):
        workspace.apply()
        assert saved_ids(workspace) == there(plane)
        assert not saved_ids(workspace) & seen
        seen |= saved_ids(workspace)
        workspace.destroy()
        assert not there(plane)


@pytest.mark.parametrize("create_first", [False, True])
def test_a_replacement_with_a_crash(
    workspace: Workspace, plane: ControlPlane, admin: httpx.Client, create_first: bool
) -> None:
    program = f"""
resource "polykomos_database" "db" {{{{
  name = "once"
  plan = "{{plan}}"
  lifecycle {{{{ create_before_destroy = {str(create_first).lower()} }}}}
}}}}
"""
    workspace.write(program.format(plan="free"))
    workspace.apply()
    old = saved_ids(workspace)
    workspace.write(program.format(plan="launch"))
    late(admin)
    kill_apply(workspace, lambda: there(plane) - old)
    admin.delete("/faults").raise_for_status()
    made = there(plane) - old
    workspace.apply()
    assert saved_ids(workspace) == there(plane) == made
    workspace.settled()


def test_a_webhook_endpoint_keeps_its_secret(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    """And one of more than a day ago, whose secret nobody knows any more, is told of."""
    hook = """
resource "polykomos_webhook_endpoint" "hook" {{
  url = "https://example.com/{path}"
}}
"""
    workspace.write(hook.format(path="kept"))
    late(admin, operation="createWebhookEndpoint")
    kill_apply(workspace, lambda: there(plane, "webhook_endpoints"))
    admin.delete("/faults").raise_for_status()
    workspace.apply()
    assert saved_ids(workspace) == there(plane, "webhook_endpoints")
    assert workspace.resource("polykomos_webhook_endpoint.hook")["secret"].startswith("whsec_")
    workspace.settled()
    workspace.destroy()

    workspace.write(hook.format(path="lost"))
    late(admin, operation="createWebhookEndpoint")
    kill_apply(workspace, lambda: there(plane, "webhook_endpoints"))
    admin.delete("/faults").raise_for_status()
    (lost,) = there(plane, "webhook_endpoints")
    plane.advance(25 * 3600)
    assert f"webhook endpoint {lost} has the same `url`" in workspace.apply().diagnostics
    assert lost not in saved_ids(workspace)


def test_an_application_is_not_run_twice(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    program = f"""
{ONE.format(count=1)}
resource "polykomos_blueprint" "bp" {{
  name        = "once"
  sql_content = "CREATE TABLE IF NOT EXISTS seen (n int); INSERT INTO seen VALUES (1);"
}}
"""
    workspace.write(program)
    workspace.apply()
    run = """
resource "polykomos_blueprint_application" "run" {
  database_uuid     = polykomos_database.db[0].uuid
  blueprint_uuid    = polykomos_blueprint.bp.uuid
  blueprint_version = polykomos_blueprint.bp.version
}
"""
    workspace.write(program + run)
    login = workspace.resource("polykomos_database.db[0]")["connection_string"]

    def rows() -> int:
        with psycopg.connect(login) as connection:
            try:
                return len(connection.execute("SELECT n FROM seen").fetchall())
            except psycopg.errors.UndefinedTable:
                return 0

    late(admin, operation="createDatabaseBlueprintApplication", skip=DRY_RUNS)
    kill_apply(workspace, rows)
    assert [rule["applied"] for rule in admin.get("/faults").json()] == [1], "it was not the application that was late"
    admin.delete("/faults").raise_for_status()
    workspace.apply()
    assert rows() == 1
    assert workspace.resource("polykomos_blueprint_application.run")["status"] == "completed"
    workspace.settled()


def test_there_and_back_within_the_day(workspace: Workspace, plane: ControlPlane, admin: httpx.Client) -> None:
    for name in ("a", "b", "a", "b", "a"):
        workspace.write(ONE.format(count=1).replace("once", name))
        workspace.apply()
        assert database_names(plane) == [name]
        assert saved_ids(workspace) == there(plane)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lost_answer_is_repeated_with_its_key_without_a_scope(
    new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client, engine: str
) -> None:
    workspace = new_workspace(engine, "unscoped")
    workspace.write(ONE.format(count=1))
    rule = {"operation": "createDatabase", "effect": "lost_response"}
    admin.post("/faults", json=rule).raise_for_status()
    workspace.apply()
    assert saved_ids(workspace) == there(plane)
    wait_until(lambda: len(there(plane)) == 1)


def test_scopes_do_not_meet(new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client) -> None:
    made = []
    for name in ("one", "other"):
        workspace = new_workspace("terraform", name, POLYKOMOS_IDEMPOTENCY_SCOPE=name)
        workspace.write(ONE.format(count=1))
        workspace.apply()
        made.append(saved_ids(workspace))
    assert made[0] | made[1] == there(plane)
    assert len(there(plane)) == 2


ELSEWHERE = """
terraform {{
  required_providers {{
    polykomos = {{
      source  = "{source}"
      version = "{version}"
    }}
  }}
}}
provider "polykomos" {{}}
provider "polykomos" {{
  alias = "other"
}}
"""
OTHERS = {
    "upgrade": ({}, {"version": "0.2.0"}),
    "downgrade": ({"version": "0.2.0"}, {}),
    "alias": ({}, {"alias": "other"}),
    "address": ({}, {"source": "example/polykomos"}),
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of the provider, at two addresses for each engine."""
    directory = tmp_path_factory.mktemp("mirror")
    for program in write_mirror(directory, None):
        provider = program.parents[2]
        newer = provider / "0.2.0" / program.parent.name / program.name.replace(VERSION, "0.2.0")
        newer.parent.mkdir(parents=True)
        shutil.copy2(program, newer)
        shutil.copytree(provider, provider.parents[1] / "example" / provider.name)
    return directory


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("other", OTHERS)
def test_another_version_alias_or_address_finds_it(
    engine: str,
    other: str,
    mirror: Path,
    plane: ControlPlane,
    admin: httpx.Client,
    connection: dict[str, str],
    tmp_path: Path,
) -> None:
    workspace = Workspace(
        engine, tmp_path / "workspace", {**connection, "POLYKOMOS_IDEMPOTENCY_SCOPE": "tests/other"}, mirror
    )

    def declare(source: str = "polykomos/polykomos", version: str = VERSION, alias: str = "") -> None:
        workspace.write(ELSEWHERE.format(source=source, version=version), "provider.tf")
        provider = f"provider = polykomos.{alias}" if alias else ""
        workspace.write(f'resource "polykomos_database" "db" {{\n  name = "once"\n  {provider}\n}}')
        workspace.run("init", "-upgrade")

    before, after = OTHERS[other]
    declare(**before)
    refused_after(admin, "createDatabase")
    workspace.apply(ok=False)
    (made,) = there(plane)
    assert saved_ids(workspace) == set()
    declare(**after)
    workspace.apply()
    assert saved_ids(workspace) == there(plane) == {made}
