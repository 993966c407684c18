"""A state that release 0.1.0 wrote goes on under this release.

`tests/upgrades/ENGINE-0.1.0.tfstate` are the states that 0.1.0 (commit 7ca6e87) wrote when it applied
`terraform-0.1.0.tf` to an empty control plane whose ids came from the series SEED.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, database_names, new_key
from support.terraform import ENGINES, Workspace

RECORDS = Path(__file__).parents[1] / "upgrades"
PROGRAM = (RECORDS / "terraform-0.1.0.tf").read_text()
SEED = "release 0.1.0"
DATABASE = (
    "name", "db_type", "region", "plan", "team_id", "storage_hard_limit_gb", "connection_hard_limit",
    "warning_threshold_pct", "blueprint_uuid", "blueprint_variables",
)  # fmt: skip
# By resource type: where objects are made, of which arguments, and what the API calls their id.
CREATES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "polykomos_blueprint": ("/blueprints", ("name", "sql_content", "description", "variables"), "uuid"),
    "polykomos_database": ("/databases?wait=true", DATABASE, "uuid"),
    "polykomos_webhook_endpoint": ("/webhook_endpoints", ("url", "events"), "id"),
}
# In the order in which 0.1.0 made them.
MADE = (
    "polykomos_blueprint.plain", "polykomos_blueprint.full", "polykomos_database.plain", "polykomos_database.full",
    "polykomos_database.open", "polykomos_blueprint_application.plain", "polykomos_blueprint_application.full",
    "polykomos_blueprint_application.write_only", "polykomos_webhook_endpoint.plain", "polykomos_webhook_endpoint.full",
)  # fmt: skip
# What no state has.
WRITE_ONLY: dict[str, dict[str, Any]] = {
    "polykomos_database.full": {"blueprint_variables": {"who": "write-only", "n": 1}},
    "polykomos_blueprint_application.write_only": {"variables": {"who": "write-only", "n": 4}},
}


def attributes_in(state: str) -> dict[str, dict[str, Any]]:
    """The attributes of each resource of a state file, by address; a value of any type without its type."""
    found = {}
    for resource in json.loads(state)["resources"]:
        (instance,) = resource["instances"]
        found[f"{resource['type']}.{resource['name']}"] = {
            name: value["value"] if isinstance(value, dict) and set(value) == {"type", "value"} else value
            for name, value in instance["attributes"].items()
        }
    return found


def make(api: httpx.Client, address: str, attributes: dict[str, Any]) -> str:
    """Make the object of a resource as 0.1.0 made it, and return its id in the state."""
    given = {**attributes, **WRITE_ONLY.get(address, {})}
    type_ = address.partition(".")[0]
    if type_ == "polykomos_blueprint_application":
        path = f"/databases/{given['database_uuid']}/blueprint_applications"
        body = {"blueprint_uuid": given["blueprint_uuid"], "variables": given["variables"], "wait": True}
        # The plan asked for a dry run, which takes a number as well.
        post(api, path, {**body, "dry_run": True})
        number = post(api, path, {**body, "dry_run": False})["id"]
        return f"{given['database_uuid']}/{given['blueprint_uuid']}/{number}"
    path, names, id_ = CREATES[type_]
    return str(post(api, path, {name: given[name] for name in names})[id_])


def post(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    sent = {name: value for name, value in body.items() if value is not None}
    reply = api.post(path, json=sent, headers=new_key())
    reply.raise_for_status()
    made: dict[str, Any] = reply.json()["data"]
    return made


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as running:
        with running.admin() as admin:
            admin.put("/ids", json={"seed": SEED}).raise_for_status()
        yield running


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_of_release_0_1_0(engine: str, plane: ControlPlane, tmp_path: Path) -> None:
    state = (RECORDS / f"{engine}-0.1.0.tfstate").read_text()
    before = attributes_in(state)
    assert set(before) == set(MADE)
    with plane.client() as api:
        assert {address: make(api, address, before[address]) for address in MADE} == {
            address: before[address]["id"] for address in MADE
        }
    workspace = Workspace(engine, tmp_path, {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key})
    workspace.write(PROGRAM)
    workspace.write(state, "terraform.tfstate")

    plan = workspace.plan()
    assert plan.empty, plan.actions
    workspace.apply("-refresh-only")
    workspace.settled()
    after = workspace.resources()
    for address, attributes in before.items():
        same = set(attributes) & {"id", "name", "secret", "variables", "timeouts", "events", "deletion_protection"}
        assert {name: after[address].get(name) for name in same} == {name: attributes[name] for name in same}, address
    assert after["polykomos_database.open"]["connection_string"] is None

    changed = PROGRAM.replace('"Every option"', '"Changed"').replace("hard_limit          = 5", "hard_limit = 6")
    workspace.write(changed.replace("deletion_protection            = true", "deletion_protection = false"))
    plan = workspace.plan()
    assert plan.actions == {"polykomos_blueprint.full": "update", "polykomos_database.full": "update"}
    workspace.apply("tfplan")
    workspace.settled()
    assert workspace.resource("polykomos_blueprint.full")["description"] == "Changed"
    assert workspace.resource("polykomos_database.full")["connection_hard_limit"] == 6

    assert workspace.destroy().done == {"delete": len(MADE)}
    assert database_names(plane) == []
