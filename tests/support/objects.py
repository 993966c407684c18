"""What a control plane holds, for comparing one with another."""

from __future__ import annotations

import json

from support.control_plane import ControlPlane

# What is each run's own: ids, times and secrets.
_OWN = {
    "uuid", "id", "db_password", "connection_string", "port",
    "created_at", "updated_at", "last_success_at", "last_failure_at",
}  # fmt: skip


def objects(plane: ControlPlane) -> dict[str, list[str]]:
    """Every database, blueprint and endpoint by the path of its list, as sorted JSON."""
    with plane.client() as api:
        return {
            path: sorted(
                json.dumps({key: value for key, value in each.items() if key not in _OWN}, sort_keys=True)
                for each in api.get(path, params={"limit": 100}).json()["data"]
                if not each.get("is_system_blueprint")
            )
            for path in ("/databases", "/blueprints", "/webhook_endpoints")
        }


def left(plane: ControlPlane) -> list[str]:
    """What is still there, of what is listed; the API keeps revoked endpoints in its list."""
    every = [json.loads(each) for found in objects(plane).values() for each in found]
    return [str(each.get("name", each.get("url"))) for each in every if each.get("status") != "revoked"]
