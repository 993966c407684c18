"""Every operation meets every fault once, under every engine: what is there in the end is what the program says.

Not in reach is createWebhookTestDelivery: only actions call it, which take Terraform 1.14. An old answer to a read is
told as not found, because that is what fault rules can do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import SLOW_SECONDS, ControlPlane, wait_until
from support.flaky_proxy import Refusing
from support.programs import Program
from support.scenarios import Marks, Story, interrupted, is_exactly, new_story, there, until_done

ENGINES = ("pulumi", "terraform", "tofu")
OPERATIONS = {
    "createDatabase", "getDatabase", "listDatabases", "updateDatabase", "updateDatabaseQuotas", "deleteDatabase",
    "createBlueprint", "getBlueprint", "listBlueprints", "updateBlueprint", "deleteBlueprint",
    "createBlueprintValidation", "createDatabaseBlueprintApplication", "getBlueprintApplication",
    "createWebhookEndpoint", "listWebhookEndpoints", "revokeWebhookEndpoint", "listWebhookDeliveries",
    "getMe", "getDatabaseTypes", "createQueryExecution",
}  # fmt: skip
# Called where the answer to an application was lost, and where one takes its time.
RARE = {"getBlueprintApplication"}
# What the first call of each operation meets.
FAULTS: dict[str, dict[str, Any]] = {
    "reset before it is carried out": {"effect": "reset"},
    "answer lost after the commit": {"effect": "lost_response"},
    "truncated body": {"effect": "truncated_body"},
    "500 after the commit": {"effect": "status_after", "status": 500},
    "503": {"effect": "status", "status": 503},
}
STAGES: tuple[tuple[Program, Marks], ...] = (
    (Program("made", 5), {"made": ["made"], "made-two": ["made"]}),
    (Program("changed", 6, hook="another"), {"changed": ["made", "changed"], "changed-two": ["made", "changed"]}),
)
# The same with data sources. A query is never repeated blindly, so that each fault of one costs a run.
LOOKING = tuple((replace(program, looks=True, asks=program.hook == "another"), marks) for program, marks in STAGES)


@pytest.fixture(params=ENGINES)
def story(request: pytest.FixtureRequest, tmp_path: Path, connection: dict[str, str], admin: httpx.Client) -> Story:
    return new_story(request.param, tmp_path / "story", connection)


def nothing() -> None:
    """Is to happen."""


def whole_life(
    story: Story,
    plane: ControlPlane,
    before: Callable[[], object] = nothing,
    after: Callable[[], object] = nothing,
    stages: tuple[tuple[Program, Marks], ...] = LOOKING,
) -> None:
    """before, after: what happens around every stage."""

    def brought_about(run: Callable[[], tuple[bool, str]]) -> None:
        before()
        until_done(run, most=4)
        after()

    for program, marks in stages:
        story.write(program)
        brought_about(story.up)
        is_exactly(story, plane, program, marks)
    brought_about(story.refresh)
    brought_about(story.destroy)
    assert not any(there(plane).values())


class Rules:
    """Fault rules, one for each operation. met: the operations that met theirs."""

    def __init__(self, admin: httpx.Client, **fault: Any) -> None:
        self._admin, self._fault = admin, fault
        self.met: set[str] = set()

    def lay(self) -> None:
        """For each operation that has met none yet."""
        for operation in sorted(OPERATIONS - self.met):
            self._lay(operation)
        # What engines apply they may run dry first: then this meets the one that counts.
        if RARE - self.met:
            self._lay("createDatabaseBlueprintApplication", skip=1)

    def _lay(self, operation: str, **more: int) -> None:
        self._admin.post("/faults", json={"operation": operation, **self._fault, **more}).raise_for_status()

    def lift(self) -> None:
        """So that the test's own look meets none."""
        self.met |= {rule["operation"] for rule in self._admin.get("/faults").json() if rule["applied"]}
        self._admin.delete("/faults").raise_for_status()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_operation_meets(story: Story, plane: ControlPlane, admin: httpx.Client, fault: str) -> None:
    rules = Rules(admin, **FAULTS[fault])
    whole_life(story, plane, rules.lay, rules.lift)
    carried_out = FAULTS[fault]["effect"] not in ("reset", "status")
    assert OPERATIONS - rules.met <= (set() if carried_out else RARE)


def test_a_storm_of_429(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    """Each operation is refused twice running."""
    rules = Rules(admin, effect="status", status=429, count=2)
    rules.lay()
    whole_life(story, plane)
    rules.lift()
    assert OPERATIONS - rules.met <= RARE


@pytest.mark.parametrize("engine", ENGINES)
def test_connections_are_refused(engine: str, plane: ControlPlane, admin: httpx.Client, tmp_path: Path) -> None:
    with Refusing(plane.base_url) as way:
        env = {"POLYKOMOS_BASE_URL": way.base_url, "POLYKOMOS_API_KEY": plane.api_key}
        whole_life(new_story(engine, tmp_path / "story", env), plane)
    paths = httpx.get(f"{plane.origin}/openapi.json", trust_env=False).json()["paths"]
    named = {
        f"{method.upper()} {re.sub('{.*?}', '{}', path)}": operation["operationId"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert OPERATIONS - {named[each] for each in way.refused} <= RARE


def test_slow_provisioning(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    admin.patch("/provisioning", json={"delay_seconds": 3, "pool_size": 0}).raise_for_status()
    try:
        whole_life(story, plane, stages=STAGES)
    finally:
        admin.patch("/provisioning", json={"delay_seconds": 0, "pool_size": 3}).raise_for_status()


def test_a_read_that_does_not_see_the_write_yet(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    admin.patch("/provisioning", json={"delay_seconds": SLOW_SECONDS, "pool_size": 0}).raise_for_status()
    for operation in ("getDatabase", "getBlueprint", "getBlueprintApplication"):
        rule = {"operation": operation, "effect": "status", "status": 404}
        admin.post("/faults", json=rule).raise_for_status()

    def met() -> set[str]:
        return {rule["operation"] for rule in admin.get("/faults").json() if rule["applied"]}

    def provision_once_read() -> None:
        wait_until(lambda: "getDatabase" in met())
        admin.patch("/provisioning", json={"delay_seconds": 0}).raise_for_status()
        plane.advance(SLOW_SECONDS)

    program, marks = STAGES[0]
    story.write(program)
    with ThreadPoolExecutor(1) as aside:
        released = aside.submit(provision_once_read)
        until_done(story.up)
        released.result()
    assert "getBlueprint" in met()
    admin.delete("/faults").raise_for_status()
    is_exactly(story, plane, program, marks)
    until_done(story.destroy)


def test_more_than_a_day_between_the_runs(story: Story, plane: ControlPlane, admin: httpx.Client) -> None:
    whole_life(story, plane, lambda: plane.advance(25 * 3600), stages=STAGES)


def test_more_than_a_day_between_a_crash_and_the_next_run(
    story: Story, plane: ControlPlane, admin: httpx.Client
) -> None:
    """The API has forgotten the key: one more is made, and what was lost is named. All else is as if nothing was."""
    rule = {"operation": "createWebhookEndpoint", "effect": "latency", "seconds": 60, "count": 2}
    admin.post("/faults", json=rule).raise_for_status()
    story.write(STAGES[0][0])
    interrupted(story, "up", lambda: len(there(plane)["webhook_endpoints"]) == 2)
    admin.delete("/faults").raise_for_status()
    lost = set(there(plane)["webhook_endpoints"])
    plane.advance(25 * 3600)
    said = until_done(story.up)
    assert lost.isdisjoint(story.saved_ids()["webhook_endpoints"])
    with plane.client() as api:
        for id_ in sorted(lost):
            assert f"endpoint {id_}" in said
            api.delete(f"/webhook_endpoints/{id_}", headers={"Idempotency-Key": f"lost-{id_}"}).raise_for_status()
