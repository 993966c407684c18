"""Every call of the vendors' resources meets every fault once: nothing is doubled, and the program comes true.

Without engines: what they would do with the results is in `support.lifecycle_run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from resourcekit import unique_names
from resourcekit.errors import ResourceError
from support import server_admin
from support.control_plane import ControlPlane
from support.lifecycle_run import LifecycleRun, new_run
from support.naming import unique

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"effect": "status", "status": 500},
    "503": {"effect": "status", "status": 503},
    "429": {"effect": "status", "status": 429},
    "closed before the write": {"effect": "reset"},
    "closed after the write": {"effect": "lost_response"},
    "500 after the write": {"effect": "status_after", "status": 500},
    "slow": {"effect": "latency", "seconds": 0.5},
    "cut off": {"effect": "truncated_body"},
    "garbled": {"effect": "garbled_body"},
}
# The API has refused the call, or has carried it out and answered.
KNOWN = frozenset({"429", "slow"})
NOT_CARRIED_OUT = frozenset({"500", "503", "closed before the write"})
PERIOD = {"from": "2020-01-01", "to": "2090-01-01", "group_by": "action", "limit": 200}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "all") as plane:
        yield plane


@pytest.fixture
def polnor(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("polnor/api/v1") as client:
        yield client


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An object that was not created is looked for for one second."""
    monkeypatch.setattr(unique_names, "_VISIBLE_SECONDS", 1.0)
    name: str = request.param
    return name


class Life:
    """The steps of one object's life. Each call meets the fault at its first time.

    seen: what the runs that failed have said.
    """

    def __init__(self, plane: ControlPlane, run: LifecycleRun, fault: str, *calls: str) -> None:
        self._plane, self._run, self._fault, self._left = plane, run, FAULTS[fault], set(calls)
        self.seen: list[str] = []

    def step(self, run: Callable[[], object]) -> None:
        """Do a step until it is done, with a rule for each call that has met none; then take the rules away."""
        with self._plane.admin() as admin:
            for call in sorted(self._left):
                admin.post("/faults", json={"operation": call, **self._fault}).raise_for_status()
            self.seen += self._run.until_done(run)
            self._left -= {rule["operation"] for rule in admin.get("/faults").json() if rule["applied"]}
            admin.delete("/faults").raise_for_status()

    def has_met_all(self) -> bool:
        """Whether each call has met its fault."""
        return not self._left


def audited(client: httpx.Client, action: str) -> int:
    """How often Polnor's server has done something."""
    rows = client.get("/audit/analytics", params=PERIOD).raise_for_status().json()["data"]
    return next((row["count"] for row in rows if row["action"] == action), 0)


def listed(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(path).raise_for_status().json()["data"]
    return found


def check_named_create(fault: str, noun: str, life: Life, run: LifecycleRun, *, repeated: bool) -> None:
    """Check what was said of a create by a unique name. repeated: the API refuses a second object of the name."""
    assert len(life.seen) == (fault in NOT_CARRIED_OUT and not repeated)
    assert all(f"No {noun} " in each and each.endswith("can be found: run it again") for each in life.seen)
    adopted = any(f"adopted {noun}" in each for each in run.said)
    assert adopted == (fault not in KNOWN | NOT_CARRIED_OUT)


def test_a_compute_instance(plane: ControlPlane, polnor: httpx.Client, fault: str) -> None:
    run = new_run(plane, "polnor", "ComputeInstance")
    calls = ("List", "Create", "Start", "Stop", "Delete")
    life = Life(plane, run, fault, *(f"polnor{call}Compute" for call in calls))
    args = {"name": unique("vm"), "flavor": "cpu.32", "auto_stop": "never"}
    created = audited(polnor, "compute.create")
    for state in ("running", "stopped", "running"):
        life.step(lambda state=state: run.up(**args, state=state))
        assert [(each["id"], each["status"]) for each in listed(polnor, "/compute")] == [(run.id, state)]
        assert run.up(**args, state=state) == "same"
    life.step(run.refresh)
    life.step(run.destroy)
    assert listed(polnor, "/compute") == []
    assert life.has_met_all()
    assert audited(polnor, "compute.create") == created + 1
    check_named_create(fault, "compute instance", life, run, repeated=True)


def test_a_serving_endpoint(plane: ControlPlane, polnor: httpx.Client, fault: str) -> None:
    with plane.admin() as admin:  # there can be five, and none can be deleted
        admin.post("/reset").raise_for_status()
    run = new_run(plane, "polnor", "ServingEndpoint")
    life = Life(plane, run, fault, "polnorListEndpoints", "polnorCreateEndpoint")
    life.step(lambda: run.up(name="churn", model="churn", version=7))
    life.step(run.refresh)
    assert run.up(name="churn", model="churn", version=7) == "same"
    assert [each["name"] for each in listed(polnor, "/endpoints")] == ["churn"]
    assert life.has_met_all()
    if fault != "garbled":  # its page shows no response, so none is needed
        check_named_create(fault, "serving endpoint", life, run, repeated=False)


def test_a_warehouse(plane: ControlPlane, polnor: httpx.Client, fault: str) -> None:
    run = new_run(plane, "polnor", "WarehouseState")
    life = Life(plane, run, fault, "polnorListWarehouses", "polnorStartWarehouse")
    plane.advance(3 * 3600)  # it stops by itself
    (warehouse,) = listed(polnor, "/sql/warehouses")
    args = {"warehouse_id": warehouse["id"], "state": "running"}
    life.step(lambda: run.up(**args))
    assert listed(polnor, "/sql/warehouses")[0]["state"] == "running"
    assert run.up(**args) == "same"
    assert life.has_met_all()
    assert life.seen == []


def test_a_job(plane: ControlPlane, polnor: httpx.Client, fault: str) -> None:
    """The API cannot list jobs: if it is not known whether one was created, that is said, and nothing is repeated."""
    run = new_run(plane, "polnor", "Job")
    life = Life(plane, run, fault, "polnorCreateJob", "polnorUpdateJob")
    created = audited(polnor, "job.create")
    life.step(lambda: run.up(name="a", tasks=[{"key": "a", "command": "true"}]))
    life.step(lambda: run.up(name="a", tasks=[{"key": "b", "command": "true"}]))
    started = polnor.post(f"/jobs/{run.id}/run").raise_for_status().json()["run_id"]
    assert [task["key"] for task in polnor.get(f"/runs/{started}/tasks").json()] == ["b"]
    assert life.has_met_all()
    assert len(life.seen) == (fault not in KNOWN)
    assert all("look for it in Polnor's console before you run it again" in each for each in life.seen)
    # The second run of this test creates another one, as the message says.
    assert audited(polnor, "job.create") - created == 1 + (fault not in KNOWN | NOT_CARRIED_OUT)


def test_a_resource(plane: ControlPlane, fault: str) -> None:
    """Processing takes a moment, in which the API refuses a repeated request (409)."""
    run = new_run(plane, "pragma", "Resource")
    calls = ("pragmaGetResource", "pragmaApplyResource", "pragmaDeleteResource")
    life = Life(plane, run, fault, *calls)
    args = {"provider_name": "postgres", "resource_type": "database", "name": unique("db")}
    for version in ("16", "17"):
        if version == "17":
            life = Life(plane, run, fault, *calls)
        with plane.admin() as admin:
            slow = {"operation": "pragmaProcess", "effect": "latency", "seconds": 1.5}
            admin.post("/faults", json=slow).raise_for_status()
        life.step(lambda version=version: run.up(**args, lifecycle_state="pending", config={"version": version}))
        assert (run.state["status"], run.state["config"]) == ("ready", {"version": version})
    life.step(run.refresh)
    life.step(run.destroy)
    assert life.has_met_all()
    assert life.seen == []
    with plane.vendor("pragma") as client:
        assert client.get("/resources/").json() == []


def test_provider_code(plane: ControlPlane, fault: str, tmp_path: Path) -> None:
    """Each upload is a version: if it is not known whether there was one, that is said, and nothing is repeated."""
    archive = tmp_path / "code.tar.gz"
    archive.write_bytes(b"code")
    run = new_run(plane, "pragma", "ProviderCode")
    life = Life(plane, run, fault, "pragmaPushCode", "pragmaGetBuild")
    life.step(lambda: run.up(provider_name=unique("mine"), archive=str(archive)))
    life.step(run.refresh)
    assert (run.state["status"], run.up(**run.inputs)) == ("success", "same")
    assert life.has_met_all()
    assert len(life.seen) == (fault not in KNOWN)
    assert all("a repeated upload is one more version" in each for each in life.seen)


def test_a_create_that_is_overdue(plane: ControlPlane, polnor: httpx.Client) -> None:
    """The operation's time-out comes before the response: the instance is found, and its id is saved."""
    run = new_run(plane, "polnor", "ComputeInstance", seconds=2)
    rule = {"operation": "polnorCreateCompute", "effect": "latency", "seconds": 6}
    with plane.admin() as admin:
        admin.post("/faults", json=rule).raise_for_status()
    args = {"name": unique("vm"), "flavor": "cpu.32", "state": "stopped"}
    run.up(**args)
    assert any("adopted compute instance" in each for each in run.said)
    assert run.id == next(each["id"] for each in listed(polnor, "/compute") if each["name"] == args["name"])
    run.destroy()
    job = new_run(plane, "polnor", "Job", seconds=1)
    with plane.admin() as admin:
        admin.post("/faults", json={**rule, "operation": "polnorCreateJob"}).raise_for_status()
    with pytest.raises(ResourceError, match=r"before the operation's time-out.*look for it in Polnor's console"):
        job.up(name="late")


def test_a_warehouse_that_is_stopping_is_started_when_it_has_stopped(plane: ControlPlane, polnor: httpx.Client) -> None:
    plane.advance(3 * 3600)
    (warehouse,) = listed(polnor, "/sql/warehouses")
    with server_admin.connect(plane) as conn:  # as if it was being stopped just now
        conn.execute(
            "UPDATE polnor_machines SET status = 'stopped', settles_at = settles_at + interval '1 day' WHERE id = %s",
            (warehouse["id"],),
        )
    assert listed(polnor, "/sql/warehouses")[0]["state"] == "stopping"
    run = new_run(plane, "polnor", "WarehouseState")
    steps = iter([25 * 3600])  # it has stopped; then it starts
    run.tick = lambda text: plane.advance(next(steps, 200))
    run.up(warehouse_id=warehouse["id"], state="running")
    assert run.state["status"] == "running"


def test_code_whose_build_the_api_has_forgotten_is_uploaded_again(plane: ControlPlane, tmp_path: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    archive.write_bytes(b"code")
    run = new_run(plane, "pragma", "ProviderCode", seconds=1)
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": "pragmaBuild", "effect": "latency", "seconds": 4}).raise_for_status()
        with pytest.raises(ResourceError, match="is still running"):
            run.up(provider_name="mine", archive=str(archive))
        admin.post("/reset").raise_for_status()
    run.refresh()
    assert run.state["status"] == "building"
    run.seconds = 60
    assert run.up(provider_name="mine", archive=str(archive)) == "update"
    assert run.state["status"] == "success"
