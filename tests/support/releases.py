"""What earlier releases left (tests/upgrades), and the objects of its states, made anew with the ids that they had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.control_plane import ControlPlane, new_key

RECORDS = Path(__file__).parents[1] / "upgrades"
_DATABASE = (
    "name", "db_type", "region", "plan", "team_id", "storage_hard_limit_gb", "connection_hard_limit",
    "warning_threshold_pct", "blueprint_uuid", "blueprint_variables",
)  # fmt: skip
# By resource type: where objects are made, of which arguments, and what the API calls their id.
_CREATES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "blueprint": ("/blueprints", ("name", "sql_content", "description", "variables"), "uuid"),
    "database": ("/databases?wait=true", _DATABASE, "uuid"),
    "webhook_endpoint": ("/webhook_endpoints", ("url", "events"), "id"),
}


@contextmanager
def plane_of(release: str, *, quick: bool = True) -> Iterator[ControlPlane]:
    """A control plane whose ids come from the series that the release was recorded with."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", quick=quick) as running:
        with running.admin() as admin:
            admin.put("/ids", json={"seed": f"release {release}"}).raise_for_status()
        yield running


def make(api: httpx.Client, type_: str, given: dict[str, Any], *, dry_runs: int) -> str:
    """Make the object of a resource as the release made it, and return its id in the state.

    Args:
        api: A client.
        type_: The resource type, without the package's name.
        given: Its arguments by their names in snake case; others are not read.
        dry_runs: How often an application was dry-run before, which takes a number as well.
    """
    if type_ == "blueprint_application":
        path = f"/databases/{given['database_uuid']}/blueprint_applications"
        body = {"blueprint_uuid": given["blueprint_uuid"], "variables": given.get("variables"), "wait": True}
        for _ in range(dry_runs):
            _post(api, path, {**body, "dry_run": True})
        number = _post(api, path, {**body, "dry_run": False})["id"]
        return f"{given['database_uuid']}/{given['blueprint_uuid']}/{number}"
    path, names, id_ = _CREATES[type_]
    return str(_post(api, path, {name: given.get(name) for name in names})[id_])


def _post(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    sent = {name: value for name, value in body.items() if value is not None}
    reply = api.post(path, json=sent, headers=new_key())
    reply.raise_for_status()
    made: dict[str, Any] = reply.json()["data"]
    return made
