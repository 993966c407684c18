"""Numbers with more digits than an engine carries: exact in the database, or refused in the preview."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from support.naming import unique
from support.pulumi import Stack
from support.terraform import Workspace

WHOLE = 2**53 + 1
LONG = "0.12345678901234567890"
# Two applications run at once; PostgreSQL lets one of two concurrent CREATE TABLE IF NOT EXISTS fail.
SQL = "SELECT pg_advisory_xact_lock(1); CREATE TABLE IF NOT EXISTS seen (v numeric); INSERT INTO seen VALUES ({{v}});"
DYNAMIC = """
import pulumi
from polykomos_provider import dynamic as polykomos

db = polykomos.Database("db", name="{name}")
bp = polykomos.Blueprint("bp", name="{name}", sql_content="{sql}", variables={{"v": {{"type": "number"}}}})
polykomos.BlueprintApplication("app", database_uuid=db.uuid, blueprint_uuid=bp.uuid, variables={{"v": {value}}})
pulumi.export("url", db.connection_string)
"""
MODULE = """
resource "polykomos_database" "db" {{
  name = "{name}"
}}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "{sql}"
  variables   = {{ v = {{ type = "number" }} }}
}}
resource "polykomos_blueprint_application" "app" {{
  for_each       = {{ {values} }}
  database_uuid  = polykomos_database.db.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
  variables      = {{ v = each.value }}
}}
output "url" {{
  value     = polykomos_database.db.connection_string
  sensitive = true
}}
"""


def seen(url: str) -> set[Decimal]:
    with psycopg.connect(url) as conn:
        return {row[0] for row in conn.execute("SELECT v FROM seen")}


def test_pulumi_refuses_what_it_rounds_and_takes_digits_in_a_string(stack: Stack) -> None:
    name = unique("numbers")

    def write(**values: Any) -> None:
        program: dict[str, Any] = {
            "db": ("Database", {"name": name}),
            "bp": ("Blueprint", {"name": name, "sqlContent": SQL, "variables": {"v": {"type": "number"}}}),
        }
        for label, value in values.items():
            arguments = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}", "variables": {"v": value}}
            program[label] = ("BlueprintApplication", arguments)
        stack.write(program, {"url": "${db.connectionString}"})

    for value in (WHOLE, -WHOLE):
        write(app=value)
        refused = stack.preview(ok=False)
        assert "give it as a string" in refused.diagnostics
        assert "variables.v" in refused.diagnostics
    write(whole=str(WHOLE), long=LONG)
    stack.up()
    assert seen(stack.outputs()["url"]) == {Decimal(WHOLE), Decimal(LONG)}
    stack.assert_no_changes()
    stack.destroy()


def test_the_dynamic_provider_does_so_too(new_stack: Callable[..., Stack]) -> None:
    stack, name = new_stack(runtime="python"), unique("dyn-numbers")

    def write(value: object) -> None:
        (stack.directory / "__main__.py").write_text(DYNAMIC.format(name=name, sql=SQL, value=value))

    write(WHOLE)
    assert "give it as a string" in stack.preview(ok=False).output
    write(f'"{WHOLE}"')
    stack.up()
    assert seen(stack.outputs()["url"]) == {Decimal(WHOLE)}
    stack.destroy()


def test_terraform_carries_whole_numbers_and_refuses_decimals_that_json_rounds(workspace: Workspace) -> None:
    name = unique("numbers")

    def write(values: str) -> None:
        workspace.write(MODULE.format(name=name, sql=SQL, values=values))

    write(f"long = {LONG}")
    refused = workspace.plan(ok=False)
    assert "give it as a string" in refused.diagnostics
    # A map's values are of one type: of the strings each is taken for the number that the variable is.
    for values, found in ((f"whole = {WHOLE}", {WHOLE}), (f'long = "{LONG}", whole = "{WHOLE}"', {LONG, WHOLE})):
        write(values)
        workspace.apply()
        assert seen(workspace.outputs()["url"]) >= {Decimal(each) for each in found}
        workspace.settled()
    workspace.destroy()
