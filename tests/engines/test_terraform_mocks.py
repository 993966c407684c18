"""`terraform test` and `tofu test` with a mocked provider: no API, no key, values that the engine makes up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.readme import ROOT, blocks
from support.terraform import ENGINES, Workspace

# Every argument that takes another object's value.
MODULE = """
resource "polykomos_blueprint" "bp" {
  name        = "tenants"
  sql_content = "CREATE TABLE {{name}} (at int);"
  variables   = { name = { type = "identifier" } }
}
resource "polykomos_database" "db" {
  name                = "shop"
  team_id             = data.polykomos_database.team.team_id
  blueprint_uuid      = polykomos_blueprint.bp.uuid
  blueprint_variables = { name = "born" }
}
resource "polykomos_blueprint_application" "app" {
  database_uuid     = polykomos_database.db.uuid
  blueprint_uuid    = polykomos_blueprint.bp.uuid
  blueprint_version = polykomos_blueprint.bp.version
  variables         = { name = "orders" }
}
resource "polykomos_webhook_endpoint" "hook" {
  url = "https://hooks.example.com"
  lifecycle { create_before_destroy = true }
}
data "polykomos_database" "other" { uuid = polykomos_database.db.uuid }
data "polykomos_database" "team" { name = "team" }
data "polykomos_blueprint" "other" { uuid = polykomos_blueprint.bp.uuid }
data "polykomos_webhook_deliveries" "sent" { endpoint_id = polykomos_webhook_endpoint.hook.id }
output "application" { value = polykomos_blueprint_application.app.database_uuid }
"""
TEST = """
mock_provider "polykomos" {}

run "planned" {
  command = plan
}
run "applied" {
  assert {
    condition     = output.application == polykomos_database.db.uuid
    error_message = "The application is of another database."
  }
}
"""


@pytest.fixture(params=ENGINES)
def offline(request: pytest.FixtureRequest, new_workspace: Callable[..., Workspace], attached: str) -> Workspace:
    """A workspace that can reach no API."""
    workspace: Workspace = new_workspace(request.param, {"POLYKOMOS_BASE_URL": "http://127.0.0.1:9/api/v1"})
    workspace.env["TF_REATTACH_PROVIDERS"] = attached
    (workspace.directory / "tests").mkdir()
    return workspace


def test_a_mocked_provider_takes_values_of_any_form(offline: Workspace) -> None:
    """Field report C2."""
    offline.write(MODULE)
    offline.write(TEST, "tests/mocked.tftest.hcl")
    assert "2 passed, 0 failed" in offline.run("test", "-no-color").output


def test_the_how_to_for_mocks(offline: Workspace) -> None:
    """The page's own files."""
    (offline.directory / "provider.tf").unlink()
    for block in blocks(ROOT / "docs" / "how-to" / "test-with-mocks.md"):
        offline.write(block.text, block.file)
    assert "2 passed, 0 failed" in offline.run("test", "-no-color").output
