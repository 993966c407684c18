"""Webhook endpoints, data sources and functions on the real Terraform and OpenTofu."""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx
import pytest

from support.control_plane import ControlPlane, new_key
from support.naming import unique
from support.terraform import Workspace

ENDPOINT = "polykomos_webhook_endpoint.hook"


def endpoint(url: str = "https://example.com/hook", events: list[str] | None = None) -> str:
    given = f"  events = {json.dumps(events)}\n" if events is not None else ""
    return f'resource "polykomos_webhook_endpoint" "hook" {{\n  url = "{url}"\n{given}}}\n'


def test_an_endpoints_whole_life(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    workspace.write(endpoint(events=["database.provisioned", "database.deleted"]))
    workspace.apply()
    made = workspace.resource(ENDPOINT)
    assert made["secret"].startswith("whsec_")
    workspace.settled()
    workspace.write(endpoint(events=["database.deleted", "database.provisioned"]))
    workspace.settled()
    for change, attribute in (
        (endpoint(events=["database.deleted"]), "events"),
        (endpoint("https://example.com/other", ["database.deleted"]), "url"),
        (endpoint("https://example.com/other"), "events"),
    ):
        workspace.write(change)
        assert workspace.plan().replaces == {ENDPOINT: [attribute]}
        workspace.apply("tfplan")
        workspace.settled()
    last = workspace.resource(ENDPOINT)
    assert last["secret"] != made["secret"]
    assert made["secret"] not in workspace.run("plan").output
    workspace.destroy()
    found = {each["id"]: each["status"] for each in api.get("/webhook_endpoints", params={"limit": 100}).json()["data"]}
    assert found[int(last["id"])] == "revoked"


@pytest.mark.parametrize("change", ["url", "-replace"])
def test_a_replacement_that_fails_leaves_the_old_endpoint(
    workspace: Workspace, control_plane: ControlPlane, api: httpx.Client, change: str
) -> None:
    """Field report A8: with `create_before_destroy`, as every example has it."""
    kept = endpoint().replace("}\n", "  lifecycle { create_before_destroy = true }\n}\n")
    workspace.write(kept)
    workspace.apply()
    old = workspace.resource(ENDPOINT)
    words = (f"-replace={ENDPOINT}",) if change == "-replace" else ()
    if change == "url":
        workspace.write(kept.replace("/hook", "/other"))
    with control_plane.admin() as admin:
        refused = {"operation": "createWebhookEndpoint", "effect": "status", "status": 422}
        admin.post("/faults", json=refused).raise_for_status()
        try:
            workspace.apply(*words, ok=False)
        finally:
            admin.delete("/faults").raise_for_status()
    found = {each["id"]: each["status"] for each in api.get("/webhook_endpoints", params={"limit": 100}).json()["data"]}
    assert found[int(old["id"])] == "active"
    assert workspace.resource(ENDPOINT) == old
    workspace.apply(*words)
    assert workspace.resource(ENDPOINT)["id"] != old["id"]
    workspace.settled()
    workspace.destroy()


def test_all_events_named_mean_the_same_as_none(one_workspace: Workspace) -> None:
    workspace = one_workspace
    every = ["database.provisioning_started", "database.provisioned", "database.deleted"]
    workspace.write(endpoint("https://example.com/all", every))
    workspace.apply()
    id_ = workspace.resource(ENDPOINT)["id"]
    for events in (None, every[::-1], [], [*every, "ping"]):
        workspace.write(endpoint("https://example.com/all", events))
        assert workspace.plan().replaces == {}, events
        workspace.apply("tfplan")
        workspace.settled()
    assert workspace.resource(ENDPOINT)["id"] == id_, "a new endpoint is a new secret"
    workspace.write(endpoint("https://example.com/all", every[:2]))
    assert workspace.plan().replaces == {ENDPOINT: ["events"]}
    workspace.destroy()


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://example.com/a b", "spaces"),
        ("https://user:hunter2@example.com/x", "user name or a password"),
        ("https://b\xfccher.example/x", "xn--"),
        ("https://169.254.169.254/x", "link-local"),
    ],
)
def test_a_url_that_the_api_would_refuse_is_refused_in_the_plan(one_workspace: Workspace, url: str, rule: str) -> None:
    workspace = one_workspace
    workspace.write(endpoint(url))
    told = workspace.plan(ok=False).diagnostics
    assert "url" in told
    assert rule in told


def test_revoked_out_of_band_and_import(each_workspace: Workspace, api: httpx.Client) -> None:
    workspace = each_workspace
    workspace.write(endpoint())
    workspace.apply()
    id_ = workspace.resource(ENDPOINT)["id"]
    workspace.run("state", "rm", ENDPOINT)
    workspace.write(f'import {{\n  to = {ENDPOINT}\n  id = "{id_}"\n}}\n' + endpoint())
    planned = workspace.plan()
    assert (planned.imports, planned.actions) == ({ENDPOINT}, {})
    workspace.apply("tfplan")
    assert workspace.resource(ENDPOINT)["secret"] is None, "the API shows it once, at creation"
    workspace.settled()
    api.delete(f"/webhook_endpoints/{id_}", headers=new_key()).raise_for_status()
    assert workspace.plan().actions == {ENDPOINT: "create"}
    workspace.destroy("-refresh=false")


def test_every_data_source_but_queries(workspace: Workspace) -> None:
    name = unique("seen")
    workspace.write(f"""
      resource "polykomos_database" "db" {{ name = "{name}" }}
      resource "polykomos_blueprint" "bp" {{
        name        = "{name}"
        sql_content = "SELECT {{{{n}}}}"
        variables   = {{ n = {{ type = "number", default = 1 }} }}
      }}
      resource "polykomos_webhook_endpoint" "hook" {{ url = "https://example.com/{name}" }}
      data "polykomos_account" "me" {{}}
      data "polykomos_database_types" "all" {{}}
      data "polykomos_database" "named" {{ name = polykomos_database.db.name }}
      data "polykomos_databases" "all" {{ depends_on = [polykomos_database.db] }}
      data "polykomos_blueprint" "slug" {{ slug = polykomos_blueprint.bp.slug }}
      data "polykomos_blueprints" "all" {{ depends_on = [polykomos_blueprint.bp] }}
      data "polykomos_webhook_endpoints" "all" {{ depends_on = [polykomos_webhook_endpoint.hook] }}
      data "polykomos_webhook_deliveries" "hook" {{ endpoint_id = polykomos_webhook_endpoint.hook.id }}
      data "polykomos_validate_blueprint" "drop" {{ sql_content = "DROP TABLE IF EXISTS x" }}
      output "scopes" {{ value = data.polykomos_account.me.permissions }}
      output "types" {{ value = data.polykomos_database_types.all.database_types[*].value }}
      output "regions" {{ value = data.polykomos_database_types.all.database_types[0].regions[*].code }}
      output "named" {{ value = data.polykomos_database.named.uuid == polykomos_database.db.uuid }}
      output "listed" {{ value = contains(data.polykomos_databases.all.databases[*].name, "{name}") }}
      output "variables" {{ value = data.polykomos_blueprint.slug.variables }}
      output "blueprints" {{ value = contains(data.polykomos_blueprints.all.blueprints[*].name, "{name}") }}
      output "endpoints" {{
        value = contains(data.polykomos_webhook_endpoints.all.webhook_endpoints[*].url, "https://example.com/{name}")
      }}
      output "deliveries" {{ value = can(data.polykomos_webhook_deliveries.hook.deliveries[*].status) }}
      output "warnings" {{ value = data.polykomos_validate_blueprint.drop.warnings }}
      output "url" {{
        value     = data.polykomos_database.named.connection_string
        sensitive = true
      }}
    """)
    workspace.apply()
    found = workspace.outputs()
    assert "databases:read" in found["scopes"]
    assert "postgres" in found["types"]
    assert "us-east-1" in found["regions"]
    assert all(found[name] for name in ("named", "listed", "blueprints", "endpoints", "deliveries"))
    assert found["variables"]["n"]["default"] == 1
    assert any("destroys" in warning for warning in found["warnings"])
    assert found["url"].startswith("postgresql://")
    workspace.settled()
    workspace.destroy()


def test_functions_need_no_api(workspace: Workspace) -> None:
    secret, body = "whsec_abc", '{"type":"ping"}'
    signature = "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    workspace.write(f"""
      locals {{
        parts = provider::polykomos::parse_connection_string("postgresql://u%31:p%40ss@db.example.com/orders?sslmode=require")
        body  = {json.dumps(body)}
      }}
      output "parts" {{ value = local.parts }}
      output "good" {{ value = provider::polykomos::verify_webhook_signature("{secret}", local.body, "{signature}") }}
      output "bad" {{ value = provider::polykomos::verify_webhook_signature("other", local.body, "{signature}") }}
      output "sql" {{
        value = provider::polykomos::render_blueprint(
          "SELECT {{{{n}}}}, {{{{who}}}}, '{{{{who}}}}' -- {{{{n}}}}",
          {{ n = -0.5, who = "it's" }},
          {{ n = {{ type = "number", default = null, required = null, description = null }},
             who = {{ type = null, default = null, required = null, description = null }} }},
        )
      }}
    """)
    workspace.apply()
    found = workspace.outputs()
    assert found["parts"] == {
        "scheme": "postgresql", "host": "db.example.com", "port": 5432, "username": "u1", "password": "p@ss",
        "database": "orders", "parameters": {"sslmode": "require"},
    }  # fmt: skip
    assert (found["good"], found["bad"]) == (True, False)
    assert found["sql"] == "SELECT  -0.5, 'it''s', '{{who}}' -- {{n}}"
    workspace.write('output "x" { value = provider::polykomos::parse_connection_string("nonsense://a:b@c") }')
    failed = workspace.plan(ok=False).diagnostics
    assert "postgresql://user:password@host" in failed
    assert "a:b" not in failed
    # OpenTofu asks the provider itself for a function that the schema does not have.
    workspace.write('output "x" { value = provider::polykomos::nothing() }')
    reason = {"tofu": "was not registered by provider"}.get(workspace.engine, "is not available from the provider")
    assert reason in workspace.plan(ok=False).diagnostics
