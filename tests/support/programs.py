"""The same program for every engine: two databases, blueprints, applications and webhook endpoints; data sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# Each application leaves a row, so that one that ran twice shows as two.
_TABLE = "CREATE TABLE IF NOT EXISTS seen (mark text);"
_BY_VARIABLE = f"{_TABLE} INSERT INTO seen VALUES ({{{{mark}}}});"
_QUERY = "show all seen"
_HOOKS = "https://hooks.example.com"


@dataclass(frozen=True)
class Program:
    """name: of everything, and the mark that applications leave. limit: of connections; it changes in place.

    plan: another one replaces a database. hook: another one replaces a webhook endpoint. looks: whether data sources
    are read, too. asks: whether one of them runs a query. With them applications go one after the other. version: of
    the provider, which Pulumi keeps an instance for; empty: none is named.
    """

    name: str
    limit: int
    plan: str = "free"
    hook: str = "one"
    looks: bool = False
    asks: bool = False
    version: str = ""

    @property
    def other(self) -> str:
        """The name of the second of each kind."""
        return f"{self.name}-two"

    @property
    def sql(self) -> str:
        """The first blueprint's: another version for each name. The second one's is the same for ever."""
        return f"{_TABLE} INSERT INTO seen VALUES ('{self.name}');"

    @property
    def urls(self) -> set[str]:
        """Where the webhook endpoints send to."""
        return {f"{_HOOKS}/{self.hook}", f"{_HOOKS}/two"}


def pulumi_resources(program: Program) -> dict[str, Any]:
    """For `Stack.write`."""
    version = {"version": program.version} if program.version else {}
    every = _pulumi_resources(program).items()
    return {name: (kind, inputs, {**dict(*options), **version}) for name, (kind, inputs, *options) in every}


def _pulumi_resources(program: Program) -> dict[str, Any]:
    return {
        "one": ("Database", {"name": program.name, "connectionHardLimit": program.limit, "plan": program.plan}),
        "two": ("Database", {"name": program.other}),
        "bp1": ("Blueprint", {"name": program.name, "sqlContent": program.sql}),
        "bp2": (
            "Blueprint",
            {"name": program.other, "sqlContent": _BY_VARIABLE, "variables": {"mark": {"type": "string"}}},
        ),
        "run1": ("BlueprintApplication", _run("one", "bp1")),
        "run2": (
            "BlueprintApplication",
            {**_run("two", "bp2"), "variables": {"mark": program.name}},
            {"dependsOn": ["${run1}"]} if program.looks else {},
        ),
        "hook1": ("WebhookEndpoint", {"url": f"{_HOOKS}/{program.hook}"}),
        "hook2": ("WebhookEndpoint", {"url": f"{_HOOKS}/two", "events": ["database.deleted"]}),
    }


def pulumi_variables(program: Program) -> dict[str, Any]:
    """Every function that reads: those with an argument wait for what they ask of."""
    if not program.looks:
        return {}
    found = {
        "account": _invoke("getAccount"),
        "types": _invoke("getDatabaseTypes"),
        "databases": _invoke("getDatabases"),
        "database": _invoke("getDatabase", uuid="${one.uuid}"),
        "blueprints": _invoke("getBlueprints"),
        "blueprint": _invoke("getBlueprint", uuid="${bp1.uuid}"),
        "endpoints": _invoke("getWebhookEndpoints"),
        "deliveries": _invoke("getWebhookDeliveries", endpointId="${hook1.id}"),
    }
    if program.asks:
        found["answer"] = _invoke("runQuery", databaseUuid="${run1.databaseUuid}", query=_QUERY)
    return found


def _run(database: str, blueprint: str) -> dict[str, Any]:
    return {
        "databaseUuid": f"${{{database}.uuid}}",
        "blueprintUuid": f"${{{blueprint}.uuid}}",
        "blueprintVersion": f"${{{blueprint}.version}}",
    }


def _invoke(function: str, **arguments: str) -> dict[str, Any]:
    return {"fn::invoke": {"function": f"polykomos:{function}", "arguments": arguments}}


_MODULE = """
resource "polykomos_database" "one" {{
  name                  = "{program.name}"
  connection_hard_limit = {program.limit}
  plan                  = "{program.plan}"
}}
resource "polykomos_database" "two" {{
  name = "{program.other}"
}}
resource "polykomos_blueprint" "bp1" {{
  name        = "{program.name}"
  sql_content = {sql}
}}
resource "polykomos_blueprint" "bp2" {{
  name        = "{program.other}"
  sql_content = {by_variable}
  variables   = {{ mark = {{ type = "string" }} }}
}}
resource "polykomos_blueprint_application" "run1" {{
  database_uuid     = polykomos_database.one.uuid
  blueprint_uuid    = polykomos_blueprint.bp1.uuid
  blueprint_version = polykomos_blueprint.bp1.version
}}
resource "polykomos_blueprint_application" "run2" {{
  database_uuid     = polykomos_database.two.uuid
  blueprint_uuid    = polykomos_blueprint.bp2.uuid
  blueprint_version = polykomos_blueprint.bp2.version
  variables         = {{ mark = "{program.name}" }}
  depends_on        = [{after}]
}}
resource "polykomos_webhook_endpoint" "hook1" {{
  url = "{hooks}/{program.hook}"
}}
resource "polykomos_webhook_endpoint" "hook2" {{
  url    = "{hooks}/two"
  events = ["database.deleted"]
}}
"""
_LOOKS = """
data "polykomos_account" "this" {}
data "polykomos_database_types" "this" {}
data "polykomos_databases" "this" {}
data "polykomos_blueprints" "this" {}
data "polykomos_webhook_endpoints" "this" {}
data "polykomos_database" "this" {
  uuid = polykomos_database.one.uuid
}
data "polykomos_blueprint" "this" {
  uuid = polykomos_blueprint.bp1.uuid
}
data "polykomos_webhook_deliveries" "this" {
  endpoint_id = polykomos_webhook_endpoint.hook1.id
}
"""
_ASKS = f"""
data "polykomos_run_query" "this" {{
  database_uuid = polykomos_blueprint_application.run1.database_uuid
  query         = "{_QUERY}"
}}
"""


def terraform_module(program: Program) -> str:
    """For `Workspace.write`."""
    # JSON's strings are Terraform's, but for templates, of which there are none here.
    texts = {"sql": json.dumps(program.sql), "by_variable": json.dumps(_BY_VARIABLE)}
    after = "polykomos_blueprint_application.run1" if program.looks else ""
    module = _MODULE.format(program=program, hooks=_HOOKS, after=after, **texts)
    return module + (_LOOKS if program.looks else "") + (_ASKS if program.asks else "")
