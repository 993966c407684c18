"""Blueprints and their applications on the real Terraform and OpenTofu."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import new_key
from support.naming import unique
from support.terraform import NEWEST, Workspace

SQL = "CREATE TABLE IF NOT EXISTS log (who text, at int); INSERT INTO log VALUES ({{who}}, 1);"
BLUEPRINT, APPLICATION = "polykomos_blueprint.bp", "polykomos_blueprint_application.app"


def program(sql: str = SQL, pin: str | None = f"{BLUEPRINT}.version", variables: Any = None, name: str = "log") -> str:
    """A blueprint, a database and the application of one to the other."""
    pinned = f"blueprint_version = {pin}" if pin else ""
    given = f"variables = {json.dumps(variables)}" if variables is not None else ""
    return f"""
      resource "polykomos_blueprint" "bp" {{
        name        = "{name}"
        sql_content = {json.dumps(sql)}
        variables   = {{ who = {{ default = "nobody", description = "Who writes." }} }}
      }}
      resource "polykomos_database" "db" {{ name = "{name}" }}
      resource "polykomos_blueprint_application" "app" {{
        database_uuid  = polykomos_database.db.uuid
        blueprint_uuid = polykomos_blueprint.bp.uuid
        {pinned}
        {given}
      }}
      output "url" {{
        value     = polykomos_database.db.connection_string
        sensitive = true
      }}
    """


def log_of(workspace: Workspace) -> list[str]:
    with psycopg.connect(workspace.outputs()["url"]) as connection:
        return [row[0] for row in connection.execute("SELECT who FROM log ORDER BY who")]


def test_versions_and_variables_make_new_applications(each_workspace: Workspace) -> None:
    workspace = each_workspace
    workspace.write(program())
    workspace.apply()
    made = workspace.resource(APPLICATION)
    assert (made["status"], made["statements_succeeded"], made["blueprint_version"]) == ("completed", 2, 1)
    assert log_of(workspace) == ["nobody"]
    workspace.settled()

    workspace.write(program(variables={"who": "somebody"}))
    planned = workspace.plan()
    assert planned.replaces == {APPLICATION: ["variables"]}
    after = planned.changes[APPLICATION]["after"]
    assert (after["statements_total"], after["warnings"]) == (2, []), "what the dry run foretells is in the plan"
    assert log_of(workspace) == ["nobody"], "a plan runs nothing for good"
    workspace.apply("tfplan")
    assert log_of(workspace) == ["nobody", "somebody"]
    workspace.settled()

    workspace.write(program(SQL + " DELETE FROM log WHERE who = 'nobody';", variables={"who": "somebody"}))
    planned = workspace.plan()
    assert planned.actions == {BLUEPRINT: "update", APPLICATION: "replace"}
    assert planned.replaces == {APPLICATION: ["blueprint_version"]}, "a new version, seen while planning"
    workspace.apply("tfplan")
    assert workspace.resource(APPLICATION)["blueprint_version"] == 2
    assert log_of(workspace) == ["somebody", "somebody"]
    workspace.settled()
    assert workspace.destroy().done == {"delete": 3}


def test_variables_there_and_back_take_effect_with_a_scope(
    new_workspace: Callable[..., Workspace], connection: dict[str, str]
) -> None:
    """The plan of the new application names the replaced one, so one from before that is not adopted."""
    name = unique("back")
    workspace = new_workspace(NEWEST, {**connection, "POLYKOMOS_IDEMPOTENCY_SCOPE": name})

    def apply(who: str) -> str:
        workspace.write(program(variables={"who": who}, name=name))
        return workspace.apply().diagnostics

    apply("a")
    apply("b")
    before = workspace.state_text
    assert "adopted" not in apply("a")
    assert log_of(workspace) == ["a", "a", "b"]
    made = workspace.resource(APPLICATION)["id"]
    # As after a kill between the end of the create and the write of the state.
    workspace.write(before, "terraform.tfstate")
    assert "adopted existing" in apply("a")
    assert (workspace.resource(APPLICATION)["id"], log_of(workspace)) == (made, ["a", "a", "b"])
    workspace.settled()
    workspace.destroy()


def test_a_tracked_version_follows_the_blueprint(workspace: Workspace, api: httpx.Client) -> None:
    workspace.write(program(pin=None))
    workspace.apply()
    workspace.settled()
    uuid = workspace.resource(BLUEPRINT)["uuid"]
    api.patch(f"/blueprints/{uuid}", json={"sql_content": SQL + " SELECT 1;"}).raise_for_status()
    planned = workspace.plan()
    assert planned.actions == {BLUEPRINT: "update", APPLICATION: "replace"}
    assert planned.replaces == {APPLICATION: ["blueprint_version"]}
    workspace.apply("tfplan")
    workspace.settled()

    # Changed by the program itself: what is going to be applied cannot be tried yet, and what is applied already (which
    # would fail a second time) need not.
    for sql in (SQL + " CREATE TABLE other (at int);", SQL):
        workspace.write(program(sql, pin=None))
        planned = workspace.plan()
        assert planned.actions == {BLUEPRINT: "update", APPLICATION: "replace"}
        assert planned.replaces == {APPLICATION: ["blueprint_version"]}
        workspace.apply("tfplan")
        workspace.settled()
    workspace.destroy()


def test_failing_and_destructive_sql_is_reported_in_the_plan(one_workspace: Workspace, api: httpx.Client) -> None:
    workspace = one_workspace
    workspace.write(program("SELEC 1"))
    wrong = workspace.plan(ok=False)
    assert "syntax error" in wrong.diagnostics
    assert "sql_content" in json.dumps([event.get("diagnostic") for event in wrong.events])
    workspace.write(program())
    workspace.apply()
    workspace.write(program("DROP TABLE IF EXISTS log; SELECT {{who}};"))
    assert "DROP TABLE log" in workspace.plan().diagnostics
    workspace.write(program(pin="2"))
    assert "cannot be applied: the blueprint is at version 1" in workspace.plan(ok=False).diagnostics
    workspace.write(program(variables={"who": "a", "nobody_knows": "b"}))
    assert "nobody_knows" in workspace.plan(ok=False).diagnostics
    workspace.write(program())
    workspace.settled()
    workspace.destroy()


def test_every_blueprint_argument_changes_in_place(each_workspace: Workspace) -> None:
    workspace = each_workspace

    def blueprint(**arguments: Any) -> str:
        lines = "".join(f"  {name} = {json.dumps(value)}\n" for name, value in arguments.items())
        return f'resource "polykomos_blueprint" "bp" {{\n{lines}}}\n'

    base: dict[str, Any] = {"name": "bp", "sql_content": "SELECT {{n}}", "variables": {"n": {"type": "number"}}}
    workspace.write(blueprint(**base))
    workspace.apply()
    id_ = workspace.resource(BLUEPRINT)["id"]
    for change in (
        {"name": "other"},
        {"description": "Says a number."},
        {"sql_content": "SELECT {{n}} + 1"},
        {"variables": {"n": {"type": "number", "default": "0.1", "required": False}}},
        {"variables": {"n": {"type": "number", "default": "1", "description": "One."}}},
        {"description": None},
    ):
        base |= change
        workspace.write(blueprint(**base))
        assert workspace.plan().actions == {BLUEPRINT: "update"}, change
        workspace.apply("tfplan")
        workspace.settled()
    assert workspace.resource(BLUEPRINT)["id"] == id_
    workspace.destroy()


def test_another_database_or_blueprint_is_another_application(one_workspace: Workspace) -> None:
    workspace = one_workspace

    def pair(database: str, blueprint: str) -> str:
        return f"""
          resource "polykomos_database" "db" {{
            for_each = toset(["a", "b"])
            name     = "pair-${{each.key}}"
          }}
          resource "polykomos_blueprint" "bp" {{
            for_each    = toset(["a", "b"])
            name        = "pair-${{each.key}}"
            sql_content = "CREATE TABLE ${{each.key}} (at int);"
          }}
          resource "polykomos_blueprint_application" "app" {{
            database_uuid  = polykomos_database.db["{database}"].uuid
            blueprint_uuid = polykomos_blueprint.bp["{blueprint}"].uuid
          }}
        """

    workspace.write(pair("a", "a"))
    workspace.apply()
    workspace.settled()
    for given, attribute in ((("b", "a"), "database_uuid"), (("b", "b"), "blueprint_uuid")):
        workspace.write(pair(*given))
        planned = workspace.plan()
        assert planned.actions == {APPLICATION: "replace"}
        assert planned.replaces == {APPLICATION: [attribute]}
        workspace.apply("tfplan")
        assert workspace.resource(APPLICATION)["status"] == "completed"
        workspace.settled()
    workspace.destroy()


def test_a_blueprint_that_was_renamed_by_hand(one_workspace: Workspace, api: httpx.Client) -> None:
    workspace = one_workspace
    name = unique("drift")
    other = 'resource "polykomos_blueprint" "other" {\n  name = "other"\n  sql_content = "SELECT 1"\n}\n'
    workspace.write(
        f'resource "polykomos_blueprint" "bp" {{\n  name = "{name}"\n  sql_content = "SELECT 1"\n}}\n' + other
    )
    workspace.apply(f"-target={BLUEPRINT}", "-parallelism=1")
    assert list(workspace.resources()) == [BLUEPRINT]
    workspace.apply("-parallelism=64")
    uuid = workspace.resource(BLUEPRINT)["uuid"]
    changed = {"name": "elsewhere", "sql_content": "SELECT 2"}
    api.patch(f"/blueprints/{uuid}", json=changed).raise_for_status()
    assert "elsewhere" in workspace.run("plan", "-refresh-only", "-detailed-exitcode", ok=2).output
    assert workspace.plan().actions == {BLUEPRINT: "update"}
    workspace.apply("tfplan")
    workspace.settled()
    found = api.get(f"/blueprints/{uuid}").json()["data"]
    assert (found["name"], found["sql_content"], found["version"]) == (name, "SELECT 1", 3)
    api.patch(f"/blueprints/{uuid}", json={"name": "accepted"}).raise_for_status()
    workspace.apply("-refresh-only")
    assert workspace.resource(BLUEPRINT)["name"] == "accepted"
    workspace.destroy()


def test_import_blocks_for_both(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    name = unique("import")
    database = api.post("/databases", params={"wait": True}, json={"name": name}, headers=new_key()).json()["data"]
    body = {"name": name, "sql_content": SQL, "variables": {"who": {"default": "nobody", "description": "Who writes."}}}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
    body = {"blueprint_uuid": blueprint["uuid"], "variables": {"who": "me"}, "wait": True}
    applied = api.post(f"/databases/{database['uuid']}/blueprint_applications", json=body, headers=new_key())
    ids = {
        "polykomos_database.db": database["uuid"],
        BLUEPRINT: blueprint["uuid"],
        APPLICATION: f"{database['uuid']}/{blueprint['uuid']}/{applied.json()['data']['id']}",
    }
    blocks = "".join(f'import {{\n  to = {address}\n  id = "{id_}"\n}}\n' for address, id_ in ids.items())
    workspace.write(blocks + program(name=name, variables={"who": "me"}))
    planned = workspace.plan()
    assert (planned.imports, planned.actions) == (set(ids), {})
    workspace.apply("tfplan")
    workspace.settled()
    workspace.destroy()


def test_deleted_out_of_band_is_made_again(workspace: Workspace, api: httpx.Client) -> None:
    workspace.write('resource "polykomos_blueprint" "bp" {\n  name = "gone"\n  sql_content = "SELECT 1"\n}\n')
    workspace.apply()
    api.delete(f"/blueprints/{workspace.resource(BLUEPRINT)['uuid']}").raise_for_status()
    assert workspace.plan().actions == {BLUEPRINT: "create"}
    workspace.apply("tfplan")
    api.delete(f"/blueprints/{workspace.resource(BLUEPRINT)['uuid']}").raise_for_status()
    workspace.destroy("-refresh=false")


@pytest.mark.parametrize("version", [None, 1])
def test_a_blueprint_acts_at_creation_and_never_later(workspace: Workspace, version: int | None) -> None:
    """version: of the write-only variables; None gives them in the open."""
    given = "blueprint_variables = { who = var.who }"
    if version is not None:
        given = "blueprint_variables_wo = { who = var.who }\n blueprint_variables_wo_version = %VERSION%"
    text = f"""
      variable "who" {{ default = "me" }}
      resource "polykomos_blueprint" "bp" {{
        name        = "birth"
        sql_content = {json.dumps(SQL)}
        variables   = {{ who = {{}} }}
      }}
      resource "polykomos_database" "db" {{
        name           = "birth"
        blueprint_uuid = polykomos_blueprint.bp.uuid
        {given}
      }}
      output "url" {{
        value     = polykomos_database.db.connection_string
        sensitive = true
      }}
    """
    workspace.write(text.replace("%VERSION%", "1"))
    workspace.apply()
    assert log_of(workspace) == ["me"]
    workspace.settled()
    workspace.write(text.replace("%VERSION%", "2").replace('"me"', '"you"'))
    assert "acts only when the object is created" in workspace.plan(ok=False).diagnostics
    workspace.write(text.replace("%VERSION%", "1"))
    workspace.destroy()
