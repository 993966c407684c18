"""Secret values on the real Terraform and OpenTofu: where they are, and where they must not be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from support.control_plane import create_database
from support.naming import unique
from support.terraform import ENGINES, Workspace

SECRET = """
variable "what" {
  type      = string
  ephemeral = true
}
"""
# Reads the credentials when they are needed, and hands them to something that keeps them no more than it must: the
# check of a write-only argument.
EPHEMERAL = """
resource "polykomos_database" "db" {{
  name              = "{name}"
  store_credentials = false
}}
ephemeral "polykomos_database_credentials" "db" {{
  uuid = polykomos_database.db.uuid
}}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "CREATE TABLE IF NOT EXISTS kept (what text); INSERT INTO kept VALUES ({{{{what}}}});"
  variables   = {{ what = {{}} }}
}}
resource "polykomos_blueprint_application" "app" {{
  database_uuid        = polykomos_database.db.uuid
  blueprint_uuid       = polykomos_blueprint.bp.uuid
  blueprint_version    = polykomos_blueprint.bp.version
  variables_wo         = {{ what = {value} }}
  variables_wo_version = {version}
}}
"""


def everything_written(workspace: Workspace) -> str:
    """All files of the workspace that an engine wrote, the plan unpacked."""
    plan = workspace.run("show", "-json", "tfplan").output
    written = [path for path in workspace.directory.rglob("*") if path.is_file() and path.suffix != ".tf"]
    return plan + "".join(path.read_bytes().decode("latin-1") for path in written)


def password_of(api: httpx.Client, name: str) -> str:
    listed = api.get("/databases", params={"limit": 100}).json()["data"]
    uuid = next(each["uuid"] for each in listed if each["name"] == name)
    return str(api.get(f"/databases/{uuid}").json()["data"]["db_password"])


def test_credentials_that_are_not_stored_are_nowhere(
    started_workspace: Workspace, api: httpx.Client, tmp_path: Path
) -> None:
    workspace, name = started_workspace, unique("unseen")
    log = str(tmp_path / "trace.log")
    workspace.env["TF_VAR_what"] = "s3cr3t-value"
    workspace.write(SECRET + EPHEMERAL.format(name=name, value="var.what", version=1))
    workspace.plan(TF_LOG="trace", TF_LOG_PATH=log)
    told = workspace.apply("tfplan", TF_LOG="trace", TF_LOG_PATH=log).output
    workspace.plan(TF_LOG="trace", TF_LOG_PATH=log)
    written = everything_written(workspace) + told
    password = password_of(api, name)
    assert password
    assert password not in written
    assert password not in Path(log).read_text()
    assert "s3cr3t-value" not in written
    assert workspace.env["POLYKOMOS_API_KEY"] not in written + Path(log).read_text()
    workspace.settled()

    kept = workspace.resource("polykomos_blueprint_application.app")
    assert (kept["variables"], kept["variables_wo"], kept["status"]) == (None, None, "completed")
    workspace.env["TF_VAR_what"] = "another"
    workspace.settled()
    workspace.write(SECRET + EPHEMERAL.format(name=name, value="var.what", version=2))
    assert workspace.plan().replaces == {"polykomos_blueprint_application.app": ["variables_wo_version"]}
    workspace.apply("tfplan")
    workspace.settled()
    uuid = workspace.resource("polykomos_database.db")["uuid"]
    url = api.get(f"/databases/{uuid}").json()["data"]["connection_string"]
    with psycopg.connect(url) as connection:
        assert [row[0] for row in connection.execute("SELECT what FROM kept")] == ["s3cr3t-value", "another"]
    workspace.destroy()


def test_an_ephemeral_value_may_be_the_write_only_one(workspace: Workspace) -> None:
    """The credentials of one database as the variable of a blueprint: open, used, and in no file."""
    name = unique("chain")
    workspace.write(
        EPHEMERAL.format(name=name, value="ephemeral.polykomos_database_credentials.db.db_username", version=1)
    )
    workspace.apply()
    workspace.settled()
    workspace.destroy()


FOUND_BY = """
ephemeral "polykomos_database_credentials" "db" {{
  {key} = "{given}"
}}
locals {{
  found = [for key in ["uuid", "name"] : ephemeral.polykomos_database_credentials.db[key]]
}}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "CREATE TABLE IF NOT EXISTS kept (what text); INSERT INTO kept VALUES ({{{{what}}}});"
  variables   = {{ what = {{}} }}
}}
resource "polykomos_blueprint_application" "app" {{
  database_uuid        = "{uuid}"
  blueprint_uuid       = polykomos_blueprint.bp.uuid
  variables_wo         = {{ what = join(" ", local.found) }}
  variables_wo_version = 1
}}
"""


@pytest.mark.parametrize("key", ["uuid", "name"])
def test_credentials_that_are_found_by_one_key_have_the_other(
    workspace: Workspace, api: httpx.Client, key: str
) -> None:
    """Field report C1."""
    made = create_database(api, unique("keys"))
    workspace.write(FOUND_BY.format(key=key, given=made[key], name=made["name"], uuid=made["uuid"]))
    workspace.apply()
    with psycopg.connect(made["connection_string"]) as connection:
        assert connection.execute("SELECT what FROM kept").fetchall() == [(f"{made['uuid']} {made['name']}",)]
    workspace.settled()
    workspace.destroy()


def test_credentials_that_are_stored_are_sensitive(workspace: Workspace, api: httpx.Client) -> None:
    name = unique("hush")
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{name}" }}')
    shown = workspace.apply().output
    password = password_of(api, name)
    assert password in workspace.state_text, "that is what storing means"
    shown += workspace.run("plan").output + workspace.run("state", "show", "polykomos_database.db").output
    assert password not in shown
    workspace.write(f'resource "polykomos_database" "db" {{\n  name = "{name}"\n  store_credentials = false\n}}')
    assert workspace.plan().actions == {"polykomos_database.db": "update"}
    workspace.apply("tfplan")
    assert password not in workspace.state_text
    workspace.settled()
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{name}" }}')
    workspace.apply()
    assert password in workspace.state_text
    workspace.settled()
    workspace.destroy()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_invalid_or_missing_key_is_reported_without_the_key(
    engine: str, new_workspace: Callable[..., Workspace], connection: dict[str, str]
) -> None:
    source = 'data "polykomos_account" "me" {}'
    wrong = new_workspace(engine, {**connection, "POLYKOMOS_API_KEY": "pk_live_wrong_and_secret"})
    wrong.write(source)
    told = wrong.plan(ok=False)
    assert "Check the API key" in told.diagnostics
    assert "wrong_and_secret" not in told.output
    missing = new_workspace(engine, {"POLYKOMOS_BASE_URL": connection["POLYKOMOS_BASE_URL"]})
    missing.write(source)
    assert "POLYKOMOS_API_KEY" in missing.plan(ok=False).diagnostics


WRITTEN = """
resource "polykomos_blueprint" "bp" {{
  name        = "written"
  sql_content = "SELECT {{{{what}}}};"
  variables   = {{ what = {{}} }}
}}
resource "polykomos_database" "db" {{
  name           = "written"
  blueprint_uuid = polykomos_blueprint.bp.uuid
  {database}
}}
resource "polykomos_blueprint_application" "app" {{
  database_uuid  = polykomos_database.db.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  {application}
}}
"""
WRITE_ONLY = '{0}variables_wo = {{ what = "x" }}\n  {0}variables_wo_version = 1'
OPEN = '{0}variables = {{ what = "{1}" }}'


def test_a_write_only_value_goes_back_into_the_open(workspace: Workspace) -> None:
    """Field report C16: the same value in the open is no change, and the SQL does not run again."""
    database, application = "polykomos_database.db", "polykomos_blueprint_application.app"
    hidden = {"database": WRITE_ONLY.format("blueprint_"), "application": WRITE_ONLY.format("")}
    opened = {"database": OPEN.format("blueprint_", "x"), "application": OPEN.format("", "x")}
    workspace.write(WRITTEN.format(**hidden))
    workspace.apply()
    number = workspace.resource(application)["application_id"]
    workspace.write(WRITTEN.format(**{**opened, "application": OPEN.format("", "y")}))
    assert workspace.plan().replaces == {application: ["variables"]}, "the API says which value was applied"
    workspace.write(WRITTEN.format(**opened))
    planned = workspace.plan()
    assert (planned.actions, planned.replaces) == ({database: "update", application: "update"}, {})
    assert "cannot be compared with the value that `blueprint_variables_wo` had" in planned.diagnostics
    workspace.apply("tfplan")
    kept = workspace.resource(application)
    assert (kept["application_id"], kept["variables"], kept["variables_wo_version"]) == (number, {"what": "x"}, None)
    workspace.settled()

    workspace.write(WRITTEN.format(**hidden))
    assert workspace.plan().replaces == {}, "and write-only again"
    workspace.apply("tfplan")
    workspace.write(WRITTEN.format(database="", application=hidden["application"]))
    assert workspace.plan().actions == {database: "update"}, "values that have acted may be taken out"
    workspace.apply("tfplan")
    workspace.settled()
    workspace.destroy()
