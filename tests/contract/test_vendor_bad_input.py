"""What the vendors' APIs refuse: the message says what and what to do, and nothing has changed.

Polytomic's are in tests/unit/polytomic/test_query.py, expired results too.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from controlplane.account.seed import DEVELOPER_EMAIL as DEVELOPER
from resourcekit.error_texts import translate_errors
from resourcekit.errors import CheckError, ResourceError
from support.control_plane import OTHER_KEY, ControlPlane, wait_until
from support.lifecycle_run import LifecycleRun, new_run
from support.scripted_server import ScriptedServer, answer

VM = {"name": "vm", "flavor": "cpu.32"}
DB = {"provider_name": "postgres", "resource_type": "database", "name": "db"}
CYCLE = [{"key": "a", "command": "x", "depends_on": ["b"]}, {"key": "b", "command": "x", "depends_on": ["a"]}]
UNKNOWN = [{"key": "a", "command": "x", "depends_on": ["gone"]}]
ENDPOINT = {"name": "sixth", "model": "m", "version": 1}


@pytest.fixture(scope="module")
def running() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "all") as plane:
        yield plane


@pytest.fixture
def plane(running: ControlPlane) -> ControlPlane:
    """The server, with nothing in it."""
    with running.admin() as admin:
        admin.post("/reset").raise_for_status()
    return running


@pytest.fixture
def polnor(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("polnor/api/v1") as client:
        yield client


@contextlib.contextmanager
def refused(words: str) -> Iterator[pytest.ExceptionInfo[ResourceError]]:
    """Expect an error of these words. The ids of requests are left out."""
    with pytest.raises(ResourceError) as error:
        yield error
    text = re.sub(r", req_[0-9a-f]+\)", ")", str(error.value))
    assert re.search(words, text), text


def rule(plane: ControlPlane, operation: str, **effect: Any) -> None:
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": operation, **effect}).raise_for_status()


def everything(plane: ControlPlane) -> list[Any]:
    """All that the APIs show, with the number of changes that Polnor's audit counts."""
    period = {"from": "2020-01-01", "to": "2090-01-01", "group_by": "action"}
    with plane.vendor("polnor/api/v1") as polnor, plane.vendor("pragma") as pragma:
        seen = [polnor.get(path, params=period) for path in ("/compute", "/endpoints", "/audit/analytics")]
        return [each.raise_for_status().json() for each in (*seen, pragma.get("/resources/"))]


def call(run: LifecycleRun, name: str, **arguments: Any) -> Any:
    """Call an action of the run's package."""
    action = next(each for each in run.package.actions if each.name == name)
    return translate_errors(run.package, lambda: action.call(action.arguments(**arguments), run.context()))


@pytest.mark.parametrize(
    ("operation", "status", "resource", "arguments", "words"),
    [
        ("polnorCreateCompute", 400, "ComputeInstance", VM, r"injected by a fault rule \(400\)$"),
        (
            "polnorListCompute",
            401,
            "ComputeInstance",
            VM,
            r"\(401\)\. Check `api_key` \(POLNOR_API_KEY\), or .* The rejected key comes from ",
        ),
        ("polnorListCompute", 403, "ComputeInstance", VM, r"\(403\)\. Check the API key's status, scopes"),
        ("polnorStartCompute", 404, "ComputeInstance", {**VM, "state": "running"}, r"\(404\)\. If it was deleted outs"),
        ("polnorCreateCompute", 409, "ComputeInstance", VM, r"injected by a fault rule \(409\)$"),
        ("polnorCreateEndpoint", 400, "ServingEndpoint", ENDPOINT, r"injected by a fault rule \(400\)$"),
        ("polnorCreateJob", 400, "Job", {"name": "a"}, r"injected by a fault rule \(400\)$"),
        ("polnorCreateJob", 403, "Job", {"name": "a"}, r"\(403\)\. Check the API key's status, scopes"),
        ("polnorStartWarehouse", 403, "WarehouseState", {"state": "running"}, r"\(403\)\. Check the API key's status"),
        ("pragmaApplyResource", 400, "Resource", DB, r"injected by a fault rule \(400\)$"),
        ("pragmaGetResource", 401, "Resource", DB, r"\(401\)\. Check `api_key` \(PRAGMA_API_KEY\)"),
        ("pragmaApplyResource", 403, "Resource", DB, r"\(403\)\. Check the API key's status, scopes"),
        ("pragmaApplyResource", 409, "Resource", DB, r"\(409\)\. Another change is being processed: run it again"),
        ("pragmaApplyResource", 422, "Resource", DB, r"injected by a fault rule \(422\)$"),
        ("pragmaPushCode", 422, "ProviderCode", {"provider_name": "p"}, r"injected by a fault rule \(422\)$"),
    ],
)
def test_each_status(
    plane: ControlPlane, operation: str, status: int, resource: str, arguments: dict[str, Any], words: str
) -> None:
    run = new_run(plane, "pragma" if operation.startswith("pragma") else "polnor", resource)
    if resource == "WarehouseState":
        with plane.vendor("polnor/api/v1") as client:
            arguments = {**arguments, "warehouse_id": client.get("/sql/warehouses").json()["data"][0]["id"]}
    if resource == "ProviderCode":
        arguments = {**arguments, "archive": __file__}
    before = everything(plane)
    rule(plane, operation, effect="status", status=status)
    with refused(words):
        run.up(**arguments)
    if "Create" in operation or "Apply" in operation or "List" in operation:
        assert everything(plane) == before
        assert run.id == ""
    run.up(**arguments)  # what was refused leaves nothing in the way


@pytest.mark.parametrize(
    ("vendor", "resource", "arguments", "words"),
    [
        ("polnor", "ComputeInstance", {**VM, "flavor": ""}, r"flavor.*\(400\)"),
        (
            "polnor",
            "ServingEndpoint",
            ENDPOINT,
            r"max_endpoints is used up, 5 of 5 \(429, quota\)\. Remove an object of",
        ),
        ("polnor", "Job", {"name": "a", "tasks": CYCLE}, r"depend on each other in a circle: a -> b -> a|b -> a -> b"),
        ("polnor", "Job", {"name": "a", "tasks": UNKNOWN}, r"`depends_on` names gone, which is the key of no task"),
        ("polnor", "WarehouseState", {"warehouse_id": "wh_0", "state": "running"}, r"there is no warehouse 'wh_0' in"),
        ("pragma", "Resource", {**DB, "name": "x" * 101}, r"\(422, field name\)"),
        (
            "pragma",
            "Resource",
            {**DB, "resource_type": "database_b", "name": "c"},
            r"belongs to postgres/database/b_c ",
        ),
        ("pragma", "ProviderCode", {"provider_name": "p", "archive": "/nowhere"}, r"/nowhere cannot be read: No such"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    plane: ControlPlane, polnor: httpx.Client, vendor: str, resource: str, arguments: dict[str, Any], words: str
) -> None:
    for number in range(5):
        polnor.post("/endpoints", json={**ENDPOINT, "name": f"e{number}"}).raise_for_status()
    new_run(plane, "pragma", "Resource").up(**{**DB, "name": "b_c"})
    before, run = everything(plane), new_run(plane, vendor, resource)
    with refused(words) as error:
        run.up(**arguments)
    assert isinstance(error.value, CheckError) == ("tasks" in arguments), "in the plan"
    assert (everything(plane), run.id) == (before, "")


def test_a_running_instance_is_not_deleted_against_the_program(plane: ControlPlane, polnor: httpx.Client) -> None:
    run = new_run(plane, "polnor", "ComputeInstance")
    run.up(**VM, state="running", stop_before_delete=False)
    with refused(r"\(409\)\. Stop it first, or remove `stop_before_delete = false`") as error:
        run.destroy()
    assert error.value.property == "stop_before_delete"
    assert [each["status"] for each in polnor.get("/compute").json()["data"]] == ["running"]
    run.up(**VM, state="running")
    run.destroy()
    assert polnor.get("/compute").json()["data"] == []


def test_an_imported_instance_has_no_image_and_the_preview_says_so(plane: ControlPlane, polnor: httpx.Client) -> None:
    made = polnor.post("/compute", json={**VM, "image": "cuda"}).raise_for_status().json()["id"]
    run = new_run(plane, "polnor", "ComputeInstance")
    run.import_(made)
    assert run.up(**VM) == "same"
    assert run.up(**VM, image="cuda") == "replace"
    assert any("leave `image` out to keep the instance" in each for each in run.said)


def test_a_job_and_a_resource_that_are_gone(plane: ControlPlane) -> None:
    job, resource = new_run(plane, "polnor", "Job"), new_run(plane, "pragma", "Resource")
    job.up(name="a")
    resource.up(**DB)
    with plane.admin() as admin:
        admin.post("/reset").raise_for_status()
    with refused(r"No such job.*is gone\. Remove it from the state \(`pulumi state delete`"):
        job.up(name="b")
    with refused(r"\(404\)\. If it was deleted outside of the program, refresh the state"):
        resource.up(**DB, config={"version": "17"})
    resource.refresh()
    assert resource.id == ""


def test_a_login_that_expires_in_the_middle_of_a_run_is_renewed(plane: ControlPlane, polnor: httpx.Client) -> None:
    login = {"email": DEVELOPER, "password": plane.api_key}
    run = new_run(plane, "polnor", "WarehouseState", **login)
    steps = iter([10, 3700])  # the second one is beyond the token's hour
    run.tick = lambda text: plane.advance(next(steps, 1))
    (warehouse,) = polnor.get("/sql/warehouses").json()["data"]
    run.up(warehouse_id=warehouse["id"], state="running")
    assert run.state["status"] == "running"
    paths = [line["path"] for line in plane.request_lines() if line["path"].endswith("/auth/login")]
    assert len(paths) == 2, "the token was refused, and another one taken"
    other = new_run(plane, "polnor", "WarehouseState", email=DEVELOPER, password=OTHER_KEY)
    with refused(r"password is wrong \(401\)\. Check `api_key` \(POLNOR_API_KEY\), or `email`"):
        other.up(warehouse_id=warehouse["id"], state="running")


def test_the_quota_of_runs_is_waited_for(plane: ControlPlane, polnor: httpx.Client) -> None:
    slow = polnor.post("/jobs", json={"name": "slow", "command": "sleep 300"}).json()["id"]
    quick = polnor.post("/jobs", json={"name": "quick", "command": "true"}).json()["id"]
    runs = [polnor.post(f"/jobs/{slow}/run").raise_for_status().json()["run_id"] for _ in range(10)]
    before = len(plane.request_lines())
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(call, new_run(plane, "polnor", "Job"), "job_run", job_id=quick)
        wait_until(lambda: any(line["status"] == 429 for line in plane.request_lines()[before:]))
        for run_id in runs:
            polnor.post(f"/runs/{run_id}/cancel").raise_for_status()
        assert waiting.result().status == "success"


def test_a_page_of_a_list_that_is_gone_deletes_and_creates_nothing() -> None:
    first = answer(200, {"data": [{"id": "cmp_1", "status": "stopped", "name": "other"}], "next_cursor": "x"})
    gone = answer(400, {"error": "Invalid cursor."})
    with ScriptedServer([first, gone, first, gone]) as server:
        run = new_run(None, "polnor", "ComputeInstance", base_url=server.base_url, api_key="pk_live_0123456789")
        with refused(r"Invalid cursor \(400\)"):
            run.up(**VM)
        run.id, run.state = "cmp_2", {**VM, "status": "stopped"}
        with refused(r"Invalid cursor \(400\)"):
            run.refresh()
        assert run.id == "cmp_2"
        assert {each.method for each in server.seen} == {"GET"}
