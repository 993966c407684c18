"""The table of docs/terraform-secrets.md, cell by cell: one program with every way of working in it, on the real
engines, and where its secret values are found afterwards.
"""

from __future__ import annotations

import base64
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.control_plane import SCOPE_KEYS, create_database, new_key
from support.naming import unique
from support.terraform import ENGINES, Workspace

PAGE = Path(__file__).resolve().parents[2] / "docs" / "terraform-secrets.md"
PLACES = ("program", "plan file", "state", "shown", "log")
VARIABLES = "`variables`, `blueprint_variables`"
WRITE_ONLY = f"{VARIABLES}: `variables_wo`, `blueprint_variables_wo`, from an ephemeral value"
# Each value is long and said nowhere else, so that to find it is to have found it.
GIVEN = {name: f"s3cr3t-{name}-0123456789" for name in ("plain", "plain-db", "wo", "wo-db", "imported", "constant")}
KEYS = {"block": SCOPE_KEYS["databases:read"], "ephemeral": SCOPE_KEYS["webhooks:read"]}
PROGRAM = """
variable "hidden" {{
  type      = map(string)
  ephemeral = true
}}
variable "key" {{
  type      = string
  sensitive = true
}}
variable "ephemeral_key" {{
  type      = string
  ephemeral = true
}}
provider "polykomos" {{
  alias   = "block"
  api_key = var.key
}}
provider "polykomos" {{
  alias   = "ephemeral"
  api_key = var.ephemeral_key
}}
data "polykomos_account" "block" {{ provider = polykomos.block }}
data "polykomos_account" "ephemeral" {{ provider = polykomos.ephemeral }}

resource "polykomos_database" "stored" {{ name = "{name}-stored" }}
resource "polykomos_database" "unstored" {{
  name              = "{name}-unstored"
  store_credentials = false
}}
data "polykomos_database" "read" {{ uuid = "{read}" }}
ephemeral "polykomos_database_credentials" "opened" {{ uuid = "{opened}" }}

resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "CREATE TABLE IF NOT EXISTS kept (what text); INSERT INTO kept VALUES ({{{{what}}}});"
  variables   = {{ what = {{}} }}
}}
resource "polykomos_database" "filled" {{
  name                = "{name}-filled"
  blueprint_uuid      = polykomos_blueprint.bp.uuid
  blueprint_variables = {{ what = "{plain_db}" }}
}}
resource "polykomos_database" "filled_wo" {{
  name                   = "{name}-filled-wo"
  blueprint_uuid         = polykomos_blueprint.bp.uuid
  blueprint_variables_wo = {{ what = var.hidden["db"] }}
}}
resource "polykomos_blueprint_application" "given" {{
  database_uuid  = "{read}"
  blueprint_uuid = polykomos_blueprint.bp.uuid
  variables      = {{ what = "{plain}" }}
}}
resource "polykomos_blueprint_application" "given_wo" {{
  database_uuid  = polykomos_database.stored.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  variables_wo   = {{ what = var.hidden["app"] }}
}}
resource "polykomos_blueprint_application" "chained" {{
  database_uuid  = polykomos_database.unstored.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  variables_wo   = {{ what = ephemeral.polykomos_database_credentials.opened.connection_string }}
}}
resource "polykomos_blueprint_application" "constant" {{
  database_uuid  = polykomos_database.filled.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  variables_wo   = {{ what = "{constant}" }}
}}
import {{
  to = polykomos_database.taken
  id = "{taken}?store_credentials=false"
}}
resource "polykomos_database" "taken" {{
  name              = "{name}-taken"
  store_credentials = false
}}
import {{
  to = polykomos_blueprint_application.taken
  id = "{taken}/{blueprint}/{application}?variables=null"
}}
resource "polykomos_blueprint_application" "taken" {{
  database_uuid  = "{taken}"
  blueprint_uuid = "{blueprint}"
  variables_wo   = {{ what = var.hidden["imported"] }}
}}
resource "polykomos_webhook_endpoint" "hook" {{ url = "https://hooks.example.com/{name}" }}
"""


def table() -> dict[str, dict[str, str]]:
    """The page's table: what is used and how, as one text, to what it says of each place (footnotes taken off)."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    names, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    found, value = {}, ""
    for cells in rows:
        value = cells[0] or value
        said = [re.sub(r"[*¹²³⁴⁵⁶]", "", cell) for cell in cells[2:]]
        found[f"{value}: {cells[1]}"] = dict(zip(names[2:], said, strict=True))
    return found


def unzipped(plan: Path) -> str:
    """All that a plan file holds: it is a zip, in which nothing would be found as it stands."""
    with zipfile.ZipFile(plan) as archive:
        return "".join(archive.read(name).decode("latin-1") for name in archive.namelist())


def opened(state: str) -> str:
    """A state file, with what the provider keeps for itself decoded."""
    kept = re.findall(r'"private": "([^"]+)"', state)
    return state.replace("\\u0026", "&") + "".join(base64.b64decode(each).decode("latin-1") for each in kept)


def credentials(api: httpx.Client, uuid: str) -> list[str]:
    found = api.get(f"/databases/{uuid}").json()["data"]
    return [found["db_password"], found["connection_string"]]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_values_are_where_the_table_says(
    engine: str, new_workspace: Callable[..., Workspace], api: httpx.Client, tmp_path: Path
) -> None:
    name, log = unique("where"), tmp_path / "trace.log"
    by_hand = {each: create_database(api, f"{name}-{each}")["uuid"] for each in ("read", "opened", "taken")}
    body = {"name": name, "sql_content": "SELECT {{what}};", "variables": {"what": {}}}
    by_hand["blueprint"] = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    body = {"blueprint_uuid": by_hand["blueprint"], "variables": {"what": GIVEN["imported"]}}
    applied = api.post(f"/databases/{by_hand['taken']}/blueprint_applications", json=body, headers=new_key()).json()
    by_hand["application"] = applied["data"]["id"]
    workspace = new_workspace(engine)
    workspace.env |= {
        "TF_VAR_hidden": json.dumps({"app": GIVEN["wo"], "db": GIVEN["wo-db"], "imported": GIVEN["imported"]}),
        "TF_VAR_key": KEYS["block"],
        "TF_VAR_ephemeral_key": KEYS["ephemeral"],
        "TF_LOG": "trace",
        "TF_LOG_PATH": str(log),
    }
    texts = {key.replace("-", "_"): value for key, value in GIVEN.items()}
    workspace.write(PROGRAM.format(name=name, **by_hand, **texts))
    places = dict.fromkeys(PLACES, "")
    for turn in ("first", "second"):
        planned = workspace.run("plan", f"-out={turn}").output
        assert ("2 to import" in planned and "0 to change" in planned) == (turn == "first")
        places["shown"] += planned
        places["shown"] += workspace.run("show", turn).output
        places["plan file"] += unzipped(workspace.directory / turn)
        places["shown"] += workspace.run("apply", turn).output + workspace.run("show").output
    places["program"] = "".join(path.read_text() for path in workspace.directory.glob("*.tf"))
    places["log"] = log.read_text()
    places["state"] = opened("".join(path.read_text() for path in workspace.directory.glob("*.tfstate*")))
    state = workspace.resources()
    uuids = {each: state[f"polykomos_database.{each}"]["uuid"] for each in ("stored", "unstored")}
    database, key = "`db_password`, `connection_string` of a database", "API key"
    held = {
        f"{database}: as they are": credentials(api, uuids["stored"]),
        f"{database}: with `store_credentials = false`": credentials(api, uuids["unstored"]),
        f"{database}: the same, imported by `…?store_credentials=false`": credentials(api, by_hand["taken"]),
        f'{database}: from `data "polykomos_database"`': credentials(api, by_hand["read"]),
        f'{database}: from `ephemeral "polykomos_database_credentials"`': credentials(api, by_hand["opened"]),
        f"{VARIABLES}: as they are": [GIVEN["plain"], GIVEN["plain-db"]],
        WRITE_ONLY: [GIVEN["wo"], GIVEN["wo-db"]],
        f"{VARIABLES}: the same, from a constant in the program": [GIVEN["constant"]],
        f"{VARIABLES}: the same, of an application imported by `…?variables=null`": [GIVEN["imported"]],
        "`secret` of a webhook endpoint: as it is (the API shows it once)": [
            state["polykomos_webhook_endpoint.hook"]["secret"]
        ],
        f"{key}: from the environment": [workspace.env["POLYKOMOS_API_KEY"]],
        f"{key}: in the provider's block, from a variable": [KEYS["block"]],
        f"{key}: in the provider's block, from an ephemeral variable": [KEYS["ephemeral"]],
    }
    found = {
        how: {place: "yes" if any(value in written for value in values) else "no" for place, written in places.items()}
        for how, values in held.items()
    }
    said = {how: {place: cells[place] for place in PLACES} for how, cells in table().items()}
    assert found == said
    workspace.destroy()


# PostgreSQL quotes what it cannot take in its error, and the API hands that on. The blueprint itself is in order: the
# API tries it with the text "sample".
REFUSED = """
variable "hidden" {{
  type      = string
  ephemeral = true
}}
resource "polykomos_database" "db" {{ name = "{name}" }}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "CREATE TYPE kind AS ENUM ('sample'); SELECT CAST({{{{what}}}} AS kind);"
  variables   = {{ what = {{}} }}
}}
resource "polykomos_blueprint_application" "refused" {{
  database_uuid  = polykomos_database.db.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  {argument}
}}
"""


@pytest.mark.parametrize(
    ("row", "argument"),
    [
        (f"{VARIABLES}: as they are", f'variables = {{ what = "{GIVEN["plain"]}" }}'),
        (WRITE_ONLY, "variables_wo = { what = var.hidden }"),
    ],
    ids=["variables", "variables_wo"],
)
def test_an_error_quotes_what_the_table_says(row: str, argument: str, workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "trace.log"
    workspace.env |= {"TF_VAR_hidden": GIVEN["plain"], "TF_LOG": "trace", "TF_LOG_PATH": str(log)}
    workspace.write(REFUSED.format(name=unique("refused"), argument=argument))
    told = workspace.apply(ok=False)
    assert "invalid input value for enum" in told.diagnostics
    assert (GIVEN["plain"] in told.diagnostics) == (table()[row]["errors"] == "yes")
    assert GIVEN["plain"] not in log.read_text()
    # To refresh, the engines plan everything once more, and would be refused again.
    workspace.destroy("-refresh=false")


def test_json_and_the_command_line_are_no_place_for_secrets(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "trace.log"
    workspace.env |= {"TF_LOG": "trace", "TF_LOG_PATH": str(log)}
    workspace.write("""
      variable "what" { sensitive = true }
      output "what" {
        value     = var.what
        sensitive = true
      }
    """)
    shown = workspace.apply(f"-var=what={GIVEN['plain']}").output + workspace.run("output").output
    assert GIVEN["plain"] not in shown
    assert GIVEN["plain"] in workspace.run("output", "-json").output
    assert GIVEN["plain"] in workspace.run("show", "-json").output
    assert GIVEN["plain"] in log.read_text()
    log.write_text("")
    workspace.apply(TF_VAR_what=GIVEN["wo"])
    assert GIVEN["wo"] not in log.read_text()
