"""Polytomic's query on Pulumi, Terraform and OpenTofu, against its reference server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane, create_database
from support.naming import unique
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

PROVIDER = 'terraform {\n  required_providers {\n    polytomic = { source = "polytomic/polytomic" }\n  }\n}\n'
SQL = "SELECT n AS id, 'row ' || n AS name, n = 2 AS even FROM generate_series(1, 2) AS n ORDER BY n"
ROWS = [{"id": 1, "name": "row 1", "even": False}, {"id": 2, "name": "row 2", "even": True}]
SECRET = "sesame-0815"
BROKEN = f"SELECT '{SECRET}' AS word FROM nowhere"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", "--vendor", "polytomic") as plane:
        yield plane


@pytest.fixture
def env(plane: ControlPlane) -> dict[str, str]:
    return {"POLYTOMIC_BASE_URL": f"{plane.origin}/polytomic", "POLYTOMIC_API_KEY": plane.api_key}


@pytest.fixture(scope="module")
def connection(plane: ControlPlane) -> str:
    with plane.client() as api:
        found: str = create_database(api, unique("warehouse"))["uuid"]
        return found


def invoke(connection: str, query: str, returned: str) -> dict[str, Any]:
    arguments = {"connectionId": connection, "query": query}
    return {"fn::invoke": {"function": "polytomic:getQuery", "arguments": arguments, "return": returned}}


def test_pulumi(tmp_path: Path, plane: ControlPlane, env: dict[str, str], connection: str) -> None:
    stack = Stack(tmp_path / "stack", env, vendors=("polytomic",), quick=True)
    stack.write(
        {}, {"rows": invoke(connection, SQL, "results"), "columns": invoke(connection, "SELECT 1 AS a", "fields")}
    )
    with plane.admin() as admin:  # a result is read again
        for fault in ({"effect": "lost_response"}, {"effect": "status", "status": 503}):
            admin.post("/faults", json={"operation": "polytomicGetQuery", **fault}).raise_for_status()
    stack.up()
    assert stack.outputs() == {"rows": ROWS, "columns": ["a"]}
    stack.assert_no_changes()
    stack.write({}, {"rows": invoke(connection, BROKEN, "results")})
    failed = stack.up(ok=False)
    assert 'relation "nowhere" does not exist' in failed.output
    stack.write({}, {"rows": invoke("00000000-0000-0000-0000-000000000000", SQL, "results")})
    assert "there must be such a connection, and the key must see it" in stack.preview(ok=False).output
    stack.write({}, {"rows": invoke("x", " ", "results")})
    refused = stack.preview(ok=False).output
    assert "must not be empty" in refused
    assert "connectionId" in refused
    assert SECRET not in stack.run("preview", "--debug", ok=False, POLYTOMIC_LOG="debug").output
    assert SECRET not in plane.log_text


def program(connection: str, query: str = SQL) -> str:
    return (
        f'data "polytomic_query" "q" {{\n  connection_id = "{connection}"\n  query = <<-SQL\n{query}\nSQL\n}}\n'
        'output "rows" {\n  value = data.polytomic_query.q.results\n}\n'
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_terraform(tmp_path: Path, plane: ControlPlane, env: dict[str, str], connection: str, engine: str) -> None:
    workspace = Workspace(engine, tmp_path / engine, env, vendors=("polytomic",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    workspace.write(program(connection))
    workspace.apply()
    assert workspace.outputs() == {"rows": ROWS}
    workspace.settled()
    workspace.write(program(connection, BROKEN))
    failed = workspace.plan(ok=False, TF_LOG="debug", POLYTOMIC_LOG="debug")
    assert 'relation "nowhere" does not exist' in failed.diagnostics
    assert SECRET not in failed.output.replace(BROKEN, ""), "only the engine shows the line of the program"
    workspace.write(program("00000000-0000-0000-0000-000000000000"))
    assert "there must be such a connection" in workspace.plan(ok=False).diagnostics
    workspace.write(program("x", " "))
    assert "must not be empty" in workspace.plan(ok=False).diagnostics
    assert SECRET not in plane.log_text


def test_an_action_and_an_ephemeral_resource(
    tmp_path: Path, plane: ControlPlane, env: dict[str, str], connection: str
) -> None:
    """In the newest Terraform: SQL that writes, on request; rows that no state contains."""
    workspace = Workspace("terraform-1.16", tmp_path / "it", env, vendors=("polytomic",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    with plane.vendor("polytomic") as client:
        created = client.post(
            f"/api/connections/{connection}/query", params={"query": "CREATE TABLE visits (id int)"}, json={}
        )
        created.raise_for_status()
    workspace.write(
        f"""
action "polytomic_query" "visit" {{
  config {{
    connection_id = "{connection}"
    query         = "INSERT INTO visits VALUES (1)"
  }}
}}
ephemeral "polytomic_query" "visits" {{
  connection_id = "{connection}"
  query         = "SELECT '{SECRET}' AS word, count(*) AS visits FROM visits"
}}
resource "terraform_data" "it" {{
  lifecycle {{
    action_trigger {{
      events  = [after_create]
      actions = [action.polytomic_query.visit]
    }}
    postcondition {{
      condition     = ephemeral.polytomic_query.visits.results[0].word == "{SECRET}"
      error_message = "no rows"
    }}
  }}
}}
"""
    )
    workspace.apply()
    assert SECRET not in workspace.state_text
    workspace.write(program(connection, "SELECT count(*) AS n FROM visits"))
    workspace.apply()
    assert workspace.outputs() == {"rows": [{"n": 1}]}
