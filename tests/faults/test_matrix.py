"""Every operation meets every fault once, under every engine: what is there in the end is what the program says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane
from support.stories import Story, is_exactly, new_story, there, until_done

ENGINES = ("pulumi", "terraform", "tofu")
OPERATIONS = (
    "createDatabase", "getDatabase", "listDatabases", "updateDatabase", "updateDatabaseQuotas", "deleteDatabase",
    "createBlueprint", "getBlueprint", "listBlueprints", "updateBlueprint", "deleteBlueprint",
    "createBlueprintValidation", "createDatabaseBlueprintApplication", "getBlueprintApplication",
    "createWebhookEndpoint", "listWebhookEndpoints", "revokeWebhookEndpoint",
)  # fmt: skip
# What the first call of each operation meets.
FAULTS: dict[str, dict[str, Any]] = {
    "reset before it is carried out": {"effect": "reset"},
    "answer lost after the commit": {"effect": "lost_response"},
    "truncated body": {"effect": "truncated_body"},
    "500 after the commit": {"effect": "status_after", "status": 500},
    "503": {"effect": "status", "status": 503},
}


@pytest.fixture(params=ENGINES)
def story(request: pytest.FixtureRequest, tmp_path: Path, connection: dict[str, str], admin: httpx.Client) -> Story:
    return new_story(request.param, tmp_path / "story", connection)


def whole_life(story: Story, plane: ControlPlane, between: Callable[[], object] = lambda: None) -> None:
    for name, limit in (("made", 5), ("changed", 6)):
        between()
        story.write(name, limit)
        until_done(story.up)
        is_exactly(story, plane, name, limit)
    between()
    until_done(story.refresh)
    between()
    until_done(story.destroy)
    assert not any(there(plane).values())


@pytest.mark.parametrize("fault", FAULTS)
def test_each_operation_meets(story: Story, plane: ControlPlane, admin: httpx.Client, fault: str) -> None:
    met: set[str] = set()

    def again() -> None:
        met.update(rule["operation"] for rule in admin.get("/faults").json() if rule["applied"])
        admin.delete("/faults").raise_for_status()
        for operation in OPERATIONS:
            admin.post("/faults", json={"operation": operation, **FAULTS[fault]}).raise_for_status()

    whole_life(story, plane, again)
    again()
    assert {operation for operation in OPERATIONS if not operation.startswith(("get", "list"))} <= met


def test_a_storm_of_429(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    rule = {"effect": "status", "status": 429, "count": 12, "probability": 0.5}
    admin.post("/faults", json=rule).raise_for_status()
    whole_life(story, plane)


def test_slow_provisioning(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    admin.patch("/provisioning", json={"delay_seconds": 3, "pool_size": 0}).raise_for_status()
    try:
        whole_life(story, plane)
    finally:
        admin.patch("/provisioning", json={"delay_seconds": 0, "pool_size": 3}).raise_for_status()


def test_a_read_that_does_not_see_the_write_yet(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    admin.patch("/provisioning", json={"delay_seconds": 2, "pool_size": 0}).raise_for_status()
    for operation in ("getDatabase", "getBlueprint", "getBlueprintApplication"):
        rule = {"operation": operation, "effect": "status", "status": 404}
        admin.post("/faults", json=rule).raise_for_status()
    story.write("made", 5)
    until_done(story.up)
    assert "getDatabase" in [rule["operation"] for rule in admin.get("/faults").json() if rule["applied"]]
    admin.delete("/faults").raise_for_status()
    is_exactly(story, plane, "made", 5)
    until_done(story.destroy)


def test_more_than_a_day_between_the_runs(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    whole_life(story, plane, lambda: plane.advance(25 * 3600))


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[ControlPlane]:
    arguments = ("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "2")
    with ControlPlane(*arguments) as running:
        yield running


@pytest.mark.parametrize("engine", ENGINES)
def test_connections_refused_for_some_seconds(engine: str, lasting: ControlPlane, tmp_path: Path) -> None:
    env = {"POLYKOMOS_BASE_URL": lasting.base_url, "POLYKOMOS_API_KEY": lasting.api_key}
    story = new_story(engine, tmp_path / "story", env)

    def away() -> None:
        lasting.stop()
        threading.Timer(4.0, lasting.start).start()

    story.write("made", 5)
    away()
    until_done(story.up)
    is_exactly(story, lasting, "made", 5)
