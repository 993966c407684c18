"""Random programs, options and edits on the real engines: what the plan shows is all that is done."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from support import fuzz
from support.calls import recorded
from support.control_plane import ControlPlane, new_key
from support.option_programs import RandomProgram, edited, first_program
from support.terraform import ENGINES, Plan, Workspace

_EDITS: Final = 4
# What a plan may refuse, by rule.
_REFUSALS: Final = (
    "acts only when the object is created",
    "has `deletion_protection`",
    "prevent_destroy",
    "cannot be applied: the blueprint is at version",
)
_COMPARED: Final = {
    "polykomos_database": (
        "name", "region", "plan", "storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct",
    ),
    "polykomos_blueprint": ("name", "sql_content", "description", "version"),
}  # fmt: skip
_PATHS: Final = {"polykomos_database": "databases", "polykomos_blueprint": "blueprints"}
# What an operation's request can hold; the rest of a resource's arguments never reaches the API.
_CHANGES: Final = ("updateDatabase", "updateDatabaseQuotas", "updateBlueprint")


@pytest.mark.timeout(fuzz.SECONDS + 400)
def test_random_programs_options_and_edits(
    new_workspace: Callable[..., Workspace], attached: str, control_plane: ControlPlane, api: httpx.Client
) -> None:
    for seed, rng in fuzz.cases():
        try:
            workspace = new_workspace(rng.choice(ENGINES))
            workspace.env["TF_REATTACH_PROVIDERS"] = attached
            changes = run(rng, workspace, control_plane, api)
            print(f"{seed}: {changes} changes")
        except Exception as error:
            raise AssertionError(f"POLYKOMOS_FUZZ_SEED={seed}: {error}") from error


def run(rng: random.Random, workspace: Workspace, plane: ControlPlane, api: httpx.Client) -> int:
    """The story of one workspace. Returns how many changes were applied."""
    program, done = first_program(rng), 0
    workspace.write(str(program))
    workspace.apply()
    workspace.settled()
    for _ in range(_EDITS):
        if rng.random() < 0.4:
            change_by_hand(rng, workspace, api)
        wanted = edited(rng, program)
        workspace.write(str(wanted))
        planned = workspace.plan(*flags(rng, wanted), ok=None)
        if planned.status != 0:
            assert any(rule in planned.diagnostics for rule in _REFUSALS), planned.diagnostics
            workspace.write(str(program))
            continue
        before = addresses(workspace)
        with recorded(plane) as entries:
            applied = workspace.apply("tfplan", ok=None)
        if applied.status != 0:
            # The engine does not say beforehand that it forces a replacement (docs/decisions/0005).
            assert "has `deletion_protection`" in applied.diagnostics, applied.diagnostics
            break
        program, done = wanted, done + len(planned.actions)
        is_what_was_planned(planned, entries, before)
        workspace.settled()
        is_what_the_api_has(planned, workspace, api)
    delete_all(workspace, api)
    return done


def flags(rng: random.Random, program: RandomProgram) -> list[str]:
    """Options of the command line."""
    replaced = [each.address for each in program.resources if rng.random() < 0.1]
    return [f"-replace={address}" for address in replaced]


def change_by_hand(rng: random.Random, workspace: Workspace, api: httpx.Client) -> None:
    """Change one object at the API."""
    found = [each for each in workspace.resources().items() if each[0].partition(".")[0] in _PATHS]
    address, values = rng.choice(found)
    path = f"/{_PATHS[address.partition('.')[0]]}/{values['uuid']}"
    change = {"name": f"by-hand-{rng.randrange(100)}"}
    api.patch(path, json=change, headers=new_key() if "databases" in path else {}).raise_for_status()


def addresses(workspace: Workspace) -> dict[str, str]:
    """The address of each object, by its id."""
    return {str(values["id"]): address for address, values in workspace.resources().items() if "id" in values}


def is_what_was_planned(planned: Plan, entries: list[dict[str, Any]], before: dict[str, str]) -> None:
    """Fail unless each request that changes an object holds what the plan showed, with the planned values."""
    updated = set()
    for entry in entries:
        if entry["operation"] in _CHANGES:
            address = next(before[part] for part in entry["target"].split("/") if part in before)
            updated.add(address)
            change = planned.changes[address]
            assert change["actions"] == ["update"], address
            for name, value in json.loads(entry["request_body"]).items():
                shown, old = change["after"].get(name), change["before"].get(name)
                assert change["after_unknown"].get(name) or shown != old, f"{address}: {name} was not in the plan"
                if name != "variables" and not change["after_unknown"].get(name):
                    assert value == shown, f"{address}: {name}"
    deleted = [each for each in entries if each["method"] == "DELETE"]
    gone = [a for a, action in planned.actions.items() if action in ("replace", "delete")]
    assert len(deleted) == len([a for a in gone if "application" not in a and "terraform_data" not in a])


def is_what_the_api_has(planned: Plan, workspace: Workspace, api: httpx.Client) -> None:
    """Fail unless state and API have what the plan showed."""
    for address, values in workspace.resources().items():
        change = planned.changes.get(address, {"after": {}, "after_unknown": {}})
        for name, shown in change["after"].items():
            assert change["after_unknown"].get(name) or values[name] == shown, f"{address}: {name}"
        type_ = address.partition(".")[0]
        if type_ in _PATHS:
            there = api.get(f"/{_PATHS[type_]}/{values['uuid']}").raise_for_status().json()["data"]
            reported = {**there, **(there.get("quotas") or {})}
            for name in _COMPARED[type_]:
                assert (reported[name] or None) == (values[name] or None), f"{address}: {name}"


def delete_all(workspace: Workspace, api: httpx.Client) -> None:
    """Delete what is there at the API: by its own options the workspace may not be destroyed."""
    found = workspace.resources()
    for address, values in found.items():
        type_ = address.partition(".")[0]
        if type_ in _PATHS:
            api.delete(f"/{_PATHS[type_]}/{values['uuid']}", headers=new_key()).raise_for_status()
        elif type_ == "polykomos_webhook_endpoint":
            api.delete(f"/webhook_endpoints/{values['id']}", headers=new_key()).raise_for_status()
