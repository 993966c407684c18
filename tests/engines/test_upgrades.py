"""A state that release 0.1.0 wrote goes on under this release.

`tests/upgrades/ENGINE-0.1.0.tfstate` are the states that 0.1.0 (commit 7ca6e87) wrote when it applied
`terraform-0.1.0.tf` to an empty control plane whose ids came from the series SEED.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane, database_names
from support.releases import RECORDS, make, plane_of
from support.terraform import ENGINES, Workspace

PROGRAM = (RECORDS / "terraform-0.1.0.tf").read_text()
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


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with plane_of("0.1.0") as running:
        yield running


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_of_release_0_1_0(engine: str, plane: ControlPlane, tmp_path: Path) -> None:
    state = (RECORDS / f"{engine}-0.1.0.tfstate").read_text()
    before = attributes_in(state)
    assert set(before) == set(MADE)
    with plane.client() as api:
        for address in MADE:  # the plan of an application asked for a dry run
            given = {**before[address], **WRITE_ONLY.get(address, {})}
            type_ = address.partition(".")[0].removeprefix("polykomos_")
            assert make(api, type_, given, dry_runs=1) == before[address]["id"], address
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


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_of_a_newer_release_is_refused(
    engine: str, new_workspace: Callable[..., Workspace], attached: str
) -> None:
    """By the version of its schema: the engine compares it before it asks the provider."""
    workspace = new_workspace(engine)
    workspace.env["TF_REATTACH_PROVIDERS"] = attached
    state = json.loads((RECORDS / f"{engine}-0.1.0.tfstate").read_text())
    for resource in state["resources"]:
        for instance in resource["instances"]:
            instance["schema_version"] += 1
    workspace.write(PROGRAM)
    workspace.write(json.dumps(state), "terraform.tfstate")
    refused = workspace.plan(ok=False)
    assert "Resource instance managed by newer provider version" in refused.diagnostics
    assert re.search(r"The current state of polykomos_\w+\.\w+ was created by a newer provider", refused.diagnostics)
    assert re.search(r"Upgrade the \S*polykomos provider to work with this state", refused.diagnostics)
