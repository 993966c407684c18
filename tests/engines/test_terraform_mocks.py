"""`terraform test` and `tofu test` with a mocked provider: no API, no key, values that the engine makes up."""

from __future__ import annotations

import re
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

MOCKS = ROOT / "examples" / "terraform" / "mocks" / "polykomos.tfmock.hcl"
PLAUSIBLE = """
mock_provider "polykomos" {
  %s
}

run "outputs_are_such_as_the_api_returns" {
  assert {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", polykomos_database.db.uuid))
    error_message = "The UUID is none."
  }
  assert {
    condition     = startswith(polykomos_database.db.connection_string, "postgresql://")
    error_message = "The connection string is no URL."
  }
  assert {
    condition     = polykomos_blueprint_application.app.status == "completed"
    error_message = "The application is not completed."
  }
  assert {
    condition     = timecmp(polykomos_webhook_endpoint.hook.created_at, "2000-01-01T00:00:00Z") == 1
    error_message = "The time is none."
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
        if block.file:
            offline.write(block.text, block.file)
    assert "2 passed, 0 failed" in offline.run("test", "-no-color").output


def test_the_generated_values_are_plausible(offline: Workspace) -> None:
    """Terraform reads the file; OpenTofu has its blocks in the test itself."""
    values = MOCKS.read_text()
    if offline.engine == "terraform":
        (offline.directory / "mocks").mkdir()
        offline.write(values, f"mocks/{MOCKS.name}")
        values = 'source = "./mocks"'
    else:  # MODULE sets some of the optional arguments
        values = re.sub(r"    # Without a value .*\n(    \w+ += .*\n)+", "", values)
    offline.write(MODULE)
    offline.write(PLAUSIBLE % values, "tests/mocked.tftest.hcl")
    assert "1 passed, 0 failed" in offline.run("test", "-no-color").output
