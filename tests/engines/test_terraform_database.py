"""A database's life on each released Terraform and OpenTofu: the lifecycle suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import create_database, new_key
from support.naming import unique
from support.terraform import ALL_ENGINES, NEWEST, Workspace

OUTPUTS = """
output "uuid" { value = polykomos_database.db.uuid }
output "url" {
  value     = polykomos_database.db.connection_string
  sensitive = true
}
"""


def database(outputs: str = OUTPUTS, **arguments: Any) -> str:
    """A module of one database; arguments are written as JSON, which HCL reads."""
    lines = "".join(f"  {name} = {json.dumps(value)}\n" for name, value in arguments.items())
    return f'resource "polykomos_database" "db" {{\n{lines}}}\n{outputs}'


def live(api: httpx.Client, id_: str) -> dict[str, Any]:
    reply = api.get(f"/databases/{id_}")
    reply.raise_for_status()
    return reply.json()["data"]


@pytest.mark.parametrize("engine", ALL_ENGINES)
def test_apply_gives_a_database_one_can_connect_to(
    engine: str, new_workspace: Callable[..., Workspace], api: httpx.Client
) -> None:
    workspace = new_workspace(engine)
    name = unique("life")
    workspace.write(database(name=name))
    assert workspace.plan().actions == {"polykomos_database.db": "create"}
    assert name not in api.get("/databases", params={"limit": 100}).text, "a plan makes nothing"
    assert workspace.apply("tfplan").done == {"create": 1}, "a saved plan"
    outputs = workspace.outputs()
    with psycopg.connect(outputs["url"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() is not None
    assert live(api, outputs["uuid"])["name"] == name
    workspace.settled()
    # Not by its exit status: Terraform 1.11 says 2 for every state with a number in it, a Go provider's too.
    assert "No changes" in workspace.run("plan", "-refresh-only").output
    assert workspace.destroy().done == {"delete": 1}
    assert api.get(f"/databases/{outputs['uuid']}").status_code == 404
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(outputs["url"], connect_timeout=5)


IN_PLACE = [
    ({"name": "{new}"}, ("name", "{new}")),
    ({"storage_hard_limit_gb": 7.1}, ("storage_hard_limit_gb", 7.1)),
    ({"connection_hard_limit": 9}, ("connection_hard_limit", 9)),
    ({"warning_threshold_pct": 55}, ("warning_threshold_pct", 55)),
]


def test_changes_in_place(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    base: dict[str, Any] = {"name": unique("calm")}
    workspace.write(database(**base))
    workspace.apply()
    id_ = workspace.outputs()["uuid"]
    original = live(api, id_)
    new = unique("calmer")
    for change, (field, expected) in IN_PLACE:
        base |= {k: v.format(new=new) if isinstance(v, str) else v for k, v in change.items()}
        workspace.write(database(**base))
        planned = workspace.plan()
        assert planned.actions == {"polykomos_database.db": "update"}
        assert not planned.changes["polykomos_database.db"]["after_unknown"].get("connection_string"), "stays known"
        workspace.apply("tfplan")
        found = live(api, id_)
        wanted = expected.format(new=new) if isinstance(expected, str) else expected
        assert {**found, **found["quotas"]}[field] == wanted
        workspace.settled()
    workspace.write(database(name=base["name"]))
    assert workspace.plan().actions == {"polykomos_database.db": "update"}
    workspace.apply()
    assert live(api, id_)["quotas"] == original["quotas"], "taken out of the program: the plan's own limits come back"
    workspace.settled()
    workspace.destroy()


REPLACED = [
    *((engine, "region", "eu-west-1") for engine in ALL_ENGINES),
    ("terraform", "plan", "launch"),
    ("tofu", "team_id", None),
]


@pytest.mark.parametrize(("engine", "attribute", "value"), REPLACED)
def test_changes_that_replace(
    new_attached_workspace: Callable[[str], Workspace],
    api: httpx.Client,
    other_team: int,
    engine: str,
    attribute: str,
    value: Any,
) -> None:
    workspace = new_attached_workspace(engine)
    first = {"name": unique("fresh"), "region": "us-east-1", "plan": "free", "db_type": "postgres"}
    workspace.write(database(**first))
    workspace.apply()
    old = workspace.outputs()["uuid"]
    workspace.write(database(**{**first, attribute: value or other_team}))
    planned = workspace.plan()
    assert planned.replaces == {"polykomos_database.db": [attribute]}
    assert workspace.apply("tfplan").done == {"create": 1, "delete": 1}
    assert api.get(f"/databases/{old}").status_code == 404
    assert live(api, workspace.outputs()["uuid"])["name"] == first["name"]
    workspace.settled()
    workspace.destroy()


def test_what_is_not_on_offer_is_refused_while_planning(one_workspace: Workspace) -> None:
    workspace = one_workspace
    workspace.write(database(name=unique("stay")))
    workspace.apply()
    for arguments, told in (({"db_type": "cobol"}, "postgres"), ({"region": "mars-1"}, "us-east-1")):
        workspace.write(database(name="stay", **arguments))
        refused = workspace.plan(ok=False)
        assert told in refused.diagnostics
        assert next(iter(arguments)) in json.dumps([event.get("diagnostic") for event in refused.events])
    workspace.write(database(name="stay"))
    workspace.destroy()


def test_drift_by_renaming_and_by_deletion(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    name = unique("drift")
    workspace.write(database(name=name, connection_hard_limit=8))
    workspace.apply()
    id_ = workspace.outputs()["uuid"]
    api.patch(f"/databases/{id_}", json={"name": "elsewhere"}, headers=new_key()).raise_for_status()
    api.patch(f"/databases/{id_}/quotas", json={"connection_hard_limit": 3}, headers=new_key()).raise_for_status()
    assert "elsewhere" in workspace.run("plan", "-refresh-only", "-detailed-exitcode", ok=2).output
    assert workspace.plan().actions == {"polykomos_database.db": "update"}
    workspace.apply("tfplan")
    found = live(api, id_)
    assert (found["name"], found["quotas"]["connection_hard_limit"]) == (name, 8)

    api.patch(f"/databases/{id_}", json={"name": "accepted"}, headers=new_key()).raise_for_status()
    workspace.apply("-refresh-only")
    assert workspace.resource("polykomos_database.db")["name"] == "accepted"
    workspace.write(database(name="accepted", connection_hard_limit=8))
    workspace.settled()

    api.delete(f"/databases/{id_}", headers=new_key()).raise_for_status()
    assert workspace.plan().actions == {"polykomos_database.db": "create"}
    workspace.apply("tfplan")
    assert workspace.outputs()["uuid"] != id_
    api.delete(f"/databases/{workspace.outputs()['uuid']}", headers=new_key()).raise_for_status()
    workspace.destroy("-refresh=false")


def test_an_import_block_imports_and_changes_nothing(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    name = unique("adopt")
    made = api.post("/databases", params={"wait": True}, json={"name": name, "plan": "launch"}, headers=new_key())
    id_ = made.json()["data"]["uuid"]
    block = f'import {{\n  to = polykomos_database.db\n  id = "{id_}"\n}}\n'
    workspace.write(block + database(name=name))
    planned = workspace.plan()
    assert planned.imports == {"polykomos_database.db"}
    assert planned.actions == {}
    assert "1 to import, 0 to add, 0 to change, 0 to destroy" in workspace.run("plan").output
    workspace.apply("tfplan")
    assert workspace.outputs()["url"].startswith("postgresql://")
    workspace.write(database(name=name, plan="launch", region=made.json()["data"]["region"]))
    workspace.settled()
    workspace.destroy()


@pytest.mark.parametrize("engine", [NEWEST, "tofu"])
def test_an_identity_imports(
    engine: str, new_attached_workspace: Callable[[str], Workspace], api: httpx.Client
) -> None:
    """Terraform 1.12 and OpenTofu 1.12 are the first versions with it."""
    workspace, name = new_attached_workspace(engine), unique("identified")
    id_ = create_database(api, name)["uuid"]
    block = f'import {{\n  to = polykomos_database.db\n  identity = {{\n    id = "{id_}"\n  }}\n}}\n'
    workspace.write(block + database(name=name, store_credentials=True, deletion_protection=False))
    planned = workspace.plan()
    assert (planned.imports, planned.actions) == ({"polykomos_database.db"}, {})
    assert workspace.apply("tfplan").done == {}
    workspace.settled()
    workspace.destroy()


def test_importing_what_is_not_there_or_no_uuid_says_so(workspace: Workspace) -> None:
    workspace.write(database(name="x"))
    missing = workspace.run("import", "polykomos_database.db", "9a7c1f7e-0000-4000-8000-000000000000", ok=False)
    assert "non-existent" in missing.output
    assert "a database's id is its UUID" in workspace.run("import", "polykomos_database.db", "nope", ok=False).output


@pytest.mark.parametrize(
    ("arguments", "attribute", "rule"),
    [
        ({"name": "Upper"}, "name", "lowercase"),
        ({"name": "a" * 64}, "name", "1-63"),
        ({"name": "ok", "warning_threshold_pct": 101}, "warning_threshold_pct", "100"),
        ({"name": "ok", "connection_hard_limit": 0.5}, "connection_hard_limit", "whole number"),
        ({"name": "ok", "storage_hard_limit_gb": 0}, "storage_hard_limit_gb", "0"),
        ({"name": "ok", "blueprint_variables": {"a": 1}}, "blueprint_variables", "blueprint_uuid"),
        ({"name": "ok", "timeouts": {"create": "soon"}}, "timeouts", "90s"),
    ],
)
def test_a_failed_check_names_attribute_and_rule(
    new_workspace: Callable[..., Workspace], arguments: dict[str, Any], attribute: str, rule: str
) -> None:
    workspace = new_workspace("terraform")
    workspace.write(database(**arguments))
    failed = workspace.plan(ok=False)
    found = [event["diagnostic"] for event in failed.events if "diagnostic" in event]
    assert any(attribute in str(each.get("snippet", {}).get("code", "")) + each["summary"] for each in found), found
    assert rule in failed.diagnostics
    assert "internal error" not in failed.diagnostics


def test_protection_is_seen_when_a_destroy_is_planned(workspace: Workspace, api: httpx.Client) -> None:
    name = unique("safe")
    workspace.write(database(name=name, deletion_protection=True))
    workspace.apply()
    id_ = workspace.outputs()["uuid"]
    workspace.write(database(name=name, deletion_protection=True, region="eu-west-1"))
    assert "cannot replace" in workspace.plan(ok=False).diagnostics
    workspace.write("")
    assert "cannot destroy" in workspace.plan(ok=False).diagnostics, "even when the block is gone"
    assert "cannot destroy" in workspace.destroy(ok=False).diagnostics
    assert live(api, id_)["status"] == "active"
    workspace.write(database(name=unique("safer"), deletion_protection=False))
    workspace.apply()
    workspace.settled()
    workspace.destroy()
    assert api.get(f"/databases/{id_}").status_code == 404


def test_targets_moves_and_forgetting(workspace: Workspace, api: httpx.Client) -> None:
    workspace.write("""
      resource "polykomos_database" "all" {
        for_each = toset(["a", "b"])
        name     = "many-${each.key}"
      }
    """)
    workspace.apply('-target=polykomos_database.all["a"]')
    assert list(workspace.resources()) == ['polykomos_database.all["a"]']
    workspace.apply()
    workspace.settled()
    id_ = workspace.resource('polykomos_database.all["a"]')["id"]
    workspace.write("""
      resource "polykomos_database" "first" { name = "many-a" }
      moved {
        from = polykomos_database.all["a"]
        to   = polykomos_database.first
      }
      removed {
        from = polykomos_database.all
        lifecycle {
          destroy = false
        }
      }
    """)
    assert workspace.plan().actions in ({}, {'polykomos_database.all["b"]': "forget"})
    workspace.apply("tfplan")
    assert workspace.resource("polykomos_database.first")["id"] == id_
    assert len(workspace.resources()) == 1
    assert "many-b" in api.get("/databases", params={"limit": 100}).text, "forgotten, not destroyed"
    workspace.destroy()


@pytest.mark.parametrize(("engine", "parallelism"), [("terraform", 1), ("tofu", 64)])
def test_parallelism(new_attached_workspace: Callable[[str], Workspace], engine: str, parallelism: int) -> None:
    workspace = new_attached_workspace(engine)
    prefix = unique("par")
    workspace.write(f"""
      resource "polykomos_database" "db" {{
        count = 24
        name  = "{prefix}-${{count.index}}"
      }}
    """)
    assert workspace.apply(f"-parallelism={parallelism}").done == {"create": 24}
    workspace.settled()
    assert workspace.destroy(f"-parallelism={parallelism}").done == {"delete": 24}
