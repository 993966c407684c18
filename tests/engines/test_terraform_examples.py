"""Every Terraform example, in the documentation and in examples/terraform, on the real engines."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from polykomos.package import package
from support.control_plane import SCOPE_KEYS, ControlPlane, create_database
from support.terraform import ENGINES, NEWEST, Workspace

pytestmark = pytest.mark.xdist_group("terraform-examples")

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "provider" / "polykomos" / "docs"
EXAMPLE = ROOT / "examples" / "terraform"
SNAPSHOT = ROOT / "tests" / "snapshots" / "terraform-schema.json"
EXAMPLES = sorted(path.name.removesuffix(".terraform.tf") for path in DOCS.glob("*.terraform.tf"))
# Terraform 1.14 and later know actions.
ACTIONS = ("webhook_test", "run_query.action")


def connection(estate: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": estate.base_url, "POLYKOMOS_API_KEY": estate.api_key}


def test_there_is_one_for_everything() -> None:
    declared = [resource.name for resource in package().resources]
    declared += [each.name for each in (*package().data_sources, *package().ephemeral_resources, *package().functions)]
    assert sorted([*declared, *ACTIONS]) == EXAMPLES


@pytest.mark.parametrize("engine", [*ENGINES, NEWEST])
def test_every_example_is_valid(engine: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(engine, connection(estate))
    for example in EXAMPLES:
        if (example in ACTIONS) == (engine == NEWEST):
            workspace.write((DOCS / f"{example}.terraform.tf").read_text())
            workspace.run("validate")


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each not in ACTIONS])
def test_an_example_runs(example: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace("terraform", connection(estate))
    workspace.write((DOCS / f"{example}.terraform.tf").read_text())
    workspace.apply()
    workspace.settled()
    if example == "run_query":
        assert workspace.outputs()["orders"]["rows"] == [{"count": 0}]
    if example == "verify_webhook_signature":
        assert workspace.outputs() == {"genuine": True}
    workspace.destroy(ok=example != "Database")  # that one is protected, as its example shows


def installed(workspace: Workspace) -> Workspace:
    """The workspace with examples/terraform in it, as it is in the repository, and its modules found."""
    shutil.copytree(EXAMPLE, workspace.directory, dirs_exist_ok=True)
    (workspace.directory / "provider.tf").unlink()
    # Only modules have to be found: the provider is where dev_overrides says.
    workspace.run("get")
    return workspace


@pytest.mark.parametrize("engine", ENGINES)
def test_the_larger_example(engine: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]) -> None:
    workspace = installed(new_workspace(engine, connection(estate)))
    with estate.client() as api:
        by_hand = create_database(api, "by-hand")["uuid"]
    given = f"-var=adopted={json.dumps({'by-hand': by_hand})}"
    planned = workspace.plan(given)
    assert planned.imports == {'polykomos_database.adopted["by-hand"]'}
    # `deletion_protection` is the engine's own, so it is set on what is taken over.
    actions = planned.actions
    assert actions.pop('polykomos_database.adopted["by-hand"]') == "update"
    assert set(actions.values()) == {"create"}
    workspace.apply("tfplan")
    workspace.run("plan", given, "-detailed-exitcode", ok=0)
    urls = workspace.outputs()["urls"]
    assert set(urls) == {"staging", "production"}
    workspace.run("state", "rm", "polykomos_database.adopted")
    workspace.destroy()


# What the example's `moved` and `removed` blocks speak of, as it once was.
BEFORE = """
resource "polykomos_webhook_endpoint" "events" {
  url    = "https://hooks.example.com/polykomos"
  events = ["database.provisioned", "database.deleted"]
}
resource "polykomos_database" "handed_over" { name = "handed-over" }
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_moved_and_removed_blocks_of_the_example(
    engine: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]
) -> None:
    workspace = new_workspace(engine, connection(estate))
    workspace.write(BEFORE)
    workspace.apply()
    before = workspace.resources()
    installed(workspace)
    planned = workspace.plan("-var=environments={}")
    moved = planned.changes["polykomos_webhook_endpoint.deploys"]
    assert moved["actions"] == ["no-op"]
    assert moved["before"]["id"] == before["polykomos_webhook_endpoint.events"]["id"]
    assert planned.actions["polykomos_database.handed_over"] == "forget"
    workspace.apply("tfplan")
    assert "polykomos_database.handed_over" not in workspace.resources()
    with estate.client() as api:
        left = before["polykomos_database.handed_over"]["uuid"]
        assert api.get(f"/databases/{left}").json()["data"]["status"] == "active"
    workspace.destroy("-var=environments={}")


@pytest.mark.parametrize("engine", ENGINES)
def test_check_blocks_of_the_example(
    engine: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]
) -> None:
    """A key that may only read: the check says so, whatever else it may not do."""
    reader = {**connection(estate), "POLYKOMOS_API_KEY": SCOPE_KEYS["databases:read"]}
    workspace = installed(new_workspace(engine, reader))
    assert "may not write databases" in workspace.plan(ok=None).diagnostics


@pytest.mark.parametrize("engine", ENGINES)
def test_native_tests_of_the_example(
    engine: str, estate: ControlPlane, new_workspace: Callable[..., Workspace]
) -> None:
    workspace = installed(new_workspace(engine, connection(estate)))
    assert "3 passed, 0 failed" in workspace.run("test", "-no-color", timeout=280).output


def test_the_examples_are_formatted(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace("terraform", {})
    workspace.run("fmt", "-check", "-recursive", str(EXAMPLE))
    for path in DOCS.glob("*.terraform.tf"):
        workspace.run("fmt", "-check", str(path))


def test_the_schema_is_the_checked_in_one(new_workspace: Callable[..., Workspace], estate: ControlPlane) -> None:
    """With UPDATE_SNAPSHOTS=1 in the environment it is written instead."""
    workspace = new_workspace("terraform", connection(estate))
    shown = json.loads(workspace.run("providers", "schema", "-json").output)
    (schema,) = shown["provider_schemas"].values()
    text = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert SNAPSHOT.read_text(encoding="utf-8") == text
