"""Creates that are carried out and not reported to the engine."""

from __future__ import annotations

from typing import Any

import httpx

from support.control_plane import ControlPlane
from support.process_kill import kill_up
from support.pulumi import Stack

TABLE = "CREATE TABLE IF NOT EXISTS seen (n int); INSERT INTO seen VALUES (1);"


def there(plane: ControlPlane, kind: str = "databases") -> dict[Any, dict[str, Any]]:
    """The objects of a kind that are there, by id."""
    with plane.client() as api:
        found = api.get(f"/{kind}", params={"limit": 100}).json()["data"]
    return {
        each.get("uuid", each.get("id")): each
        for each in found
        if each.get("status") not in ("deleted", "revoked") and not each.get("is_system_blueprint")
    }


def late(admin: httpx.Client, operation: str, skip: int = 0) -> None:
    """A call is carried out, and its answer comes too late for anyone: the next one, or after so many."""
    rule = {"operation": operation, "effect": "latency", "seconds": 60, "skip": skip}
    admin.post("/faults", json=rule).raise_for_status()


def made_and_killed(
    stack: Stack, plane: ControlPlane, admin: httpx.Client, kind: str, operation: str, replays: int = 0
) -> Any:
    """`up`, killed once the API has made one more object whose answer is not out; its id.

    replays: how many calls come before that are answered with objects of before.
    """
    before = set(there(plane, kind))
    late(admin, operation, replays)
    kill_up(stack, lambda: set(there(plane, kind)) - before)
    assert [rule["applied"] for rule in admin.get("/faults").json()] == [1], "it was another call that was late"
    admin.delete("/faults").raise_for_status()
    (made,) = set(there(plane, kind)) - before
    return made


def refused_after(admin: httpx.Client, operation: str, skip: int = 0) -> None:
    """Let the next call, or after so many, be carried out and answered as refused: the run ends without the object."""
    rule = {"operation": operation, "effect": "status_after", "status": 422, "skip": skip}
    admin.post("/faults", json=rule).raise_for_status()
