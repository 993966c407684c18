"""Polnor's reference server: machines on the clock, jobs as processes, quotas, pages, documented statuses, kill -9."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from controlplane.account.seed import DEVELOPER_EMAIL as DEVELOPER
from support.control_plane import OTHER_KEY, ControlPlane, wait_until

FIVE = [{"name": f"m{number}", "flavor": "cpu.32"} for number in range(5)]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "polnor") as plane:
        yield plane


@pytest.fixture
def polnor(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("polnor/api/v1") as client:
        yield client


def status_of(client: httpx.Client, id: str) -> str | None:
    listed = client.get("/compute", params={"limit": 200}).raise_for_status().json()["data"]
    return next((each["status"] for each in listed if each["id"] == id), None)


def ended(client: httpx.Client, run_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = client.get(f"/runs/{run_id}").raise_for_status().json()
        return run if run["status"] in ("success", "failed", "cancelled") else None

    found: dict[str, Any] = wait_until(look)
    return found


def run_of(client: httpx.Client, **job: Any) -> str:
    made = client.post("/jobs", json={"name": "job", **job}).raise_for_status().json()["id"]
    started = client.post(f"/jobs/{made}/run").raise_for_status().json()
    assert started["status"] == "pending"
    run_id: str = started["run_id"]
    return run_id


def tasks_of(client: httpx.Client, run_id: str) -> dict[str, tuple[str, int]]:
    rows = client.get(f"/runs/{run_id}/tasks").raise_for_status().json()
    return {row["key"]: (row["status"], row["retry_count"]) for row in rows}


def living(leader: int) -> list[psutil.Process]:
    """The processes of a task: its group. A zombie is none: only its entry is left."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_an_instance_starts_and_stops_on_the_clock(plane: ControlPlane, polnor: httpx.Client) -> None:
    body = {"name": "training", "flavor": "gpu.a100", "auto_stop": "30m", "image": "cuda"}
    made = polnor.post("/compute", json=body)
    assert (made.status_code, made.json().keys(), made.json()["status"]) == (201, {"id", "status"}, "stopped")
    made_id = made.json()["id"]
    assert made_id.startswith("cmp_")
    assert polnor.post("/compute", json=body).status_code == 409
    assert polnor.post(f"/compute/{made_id}/stop").status_code == 409
    assert polnor.post(f"/compute/{made_id}/start").json()["status"] == "starting"
    assert polnor.post(f"/compute/{made_id}/start").status_code == 409
    plane.advance(10)
    assert status_of(polnor, made_id) == "running"
    assert polnor.delete(f"/compute/{made_id}").status_code == 409
    plane.advance(31 * 60)
    assert status_of(polnor, made_id) == "stopped", "auto_stop"
    polnor.post(f"/compute/{made_id}/start").raise_for_status()
    plane.advance(10)
    assert polnor.post(f"/compute/{made_id}/stop").json()["status"] == "stopping"
    plane.advance(10)
    assert polnor.delete(f"/compute/{made_id}").status_code == 200
    assert status_of(polnor, made_id) is None


def test_lists_are_paged_by_cursor(polnor: httpx.Client) -> None:
    ids = [polnor.post("/compute", json=body).raise_for_status().json()["id"] for body in FIVE]
    seen: list[str] = []
    cursor = None
    while True:
        page = polnor.get("/compute", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [each["id"] for each in page["data"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert [each for each in seen if each in ids] == ids
    assert polnor.get("/compute", params={"cursor": "?"}).status_code == 400
    assert polnor.get("/compute", params={"limit": 201}).status_code == 400
    for each in ids:
        polnor.delete(f"/compute/{each}").raise_for_status()


def test_a_warehouse_takes_three_minutes(plane: ControlPlane, polnor: httpx.Client) -> None:
    (warehouse,) = polnor.get("/sql/warehouses").json()["data"]
    assert warehouse["state"] == "stopped"
    polnor.post(f"/sql/warehouses/{warehouse['id']}/start").raise_for_status()
    plane.advance(100)
    assert polnor.get("/sql/warehouses").json()["data"][0]["state"] == "starting"
    plane.advance(100)
    assert polnor.get("/sql/warehouses").json()["data"][0]["state"] == "running"
    assert polnor.post(f"/sql/warehouses/{warehouse['id']}/start").status_code == 409


def test_sql_reads_and_writes_the_catalog(plane: ControlPlane, polnor: httpx.Client) -> None:
    (warehouse,) = polnor.get("/sql/warehouses").json()["data"]
    if warehouse["state"] == "stopped":
        refused = polnor.post("/sql/execute", json={"query": "SELECT 1", "warehouse_id": warehouse["id"]})
        assert (refused.status_code, "is not running" in refused.json()["error"]) == (409, True)
        polnor.post(f"/sql/warehouses/{warehouse['id']}/start").raise_for_status()
        plane.advance(200)

    def run(query: str, status: int = 200) -> Any:
        reply = polnor.post("/sql/execute", json={"query": query, "warehouse_id": warehouse["id"]})
        assert reply.status_code == status, reply.text
        return reply.json() if status == 200 else reply.json()["error"]

    run("CREATE SCHEMA acme.sales")
    run("CREATE TABLE acme.sales.orders (id bigint, amount decimal(10,2), placed date)")
    wrote = run("INSERT INTO acme.sales.orders VALUES (1, 2.5, '2026-06-01'), (2, 7.25, NULL)")
    assert (wrote["rows"], wrote["engine"], wrote["lineage"]["write"]) == ([[2]], "spark", ["acme.sales.orders"])
    assert run("UPDATE acme.sales.orders SET amount = amount * 2 WHERE id = 1")["rows"] == [[1]]
    run("CREATE TABLE acme.sales.large AS SELECT o.* FROM acme.sales.orders AS o WHERE o.amount > 6")
    found = run(
        "WITH big AS (SELECT * FROM acme.sales.large) SELECT o.id, o.placed, count(*) OVER () AS n"
        " FROM acme.sales.orders AS o JOIN big ON big.id = o.id"
    )
    assert found["columns"] == ["id", "placed", "n"]
    assert found["rows"] == [[2, None, 1]]
    assert (found["engine"], found["lineage"]) == ("duckdb", {"read": ["acme.sales.large", "acme.sales.orders"]})
    assert run("DELETE FROM acme.sales.orders WHERE id = 1")["rows"] == [[1]]
    assert run("SELECT orders.amount FROM acme.sales.orders")["rows"] == [[7.25]]
    assert polnor.get("/databases").json()["data"] == [{"id": "acme", "name": "acme"}]
    tables = polnor.get("/databases/acme/tables").json()["data"]
    assert [(each["schema"], each["name"], each["row_count"]) for each in tables] == [
        ("sales", "large", 1),
        ("sales", "orders", 1),
    ]
    assert all(each["snapshot_id"] for each in tables)
    columns = polnor.get("/databases/acme/schemas/sales/tables/orders/schema").json()["columns"]
    assert columns == [
        {"name": "id", "type": "long"},
        {"name": "amount", "type": "decimal(10,2)"},
        {"name": "placed", "type": "date"},
    ]
    run("DROP TABLE acme.sales.large")
    assert "there is no table acme.sales.large" in run("SELECT * FROM acme.sales.large", 400)
    assert "there is no schema acme.hr" in run("CREATE TABLE acme.hr.people (id int)", 400)
    assert "database.schema.table" in run("SELECT * FROM orders", 400)
    assert "one statement is expected" in run("SELECT 1; SELECT 2", 400)
    assert "not supported" in run("ATTACH 'x.db'", 400)
    assert run("SELECT * FROM read_csv('/etc/passwd')", 400)
    for path in ("/databases/none/tables", "/databases/acme/schemas/sales/tables/none/schema"):
        assert polnor.get(path).status_code == 404
    with plane.vendor("polnor/api/v1", OTHER_KEY) as other:
        assert other.get("/databases").json()["data"] == []


def test_a_login_has_a_token_that_expires_and_is_renewed(plane: ControlPlane) -> None:
    right = {"email": DEVELOPER, "password": plane.api_key}
    with httpx.Client(base_url=f"{plane.origin}/polnor/api/v1", trust_env=False) as nobody:
        assert nobody.get("/compute").status_code == 401
        wrong = nobody.post("/auth/login", json={**right, "password": "x"})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "The email or the password is wrong."})
        assert nobody.post("/auth/login", json={"email": DEVELOPER}).status_code == 400
        login = nobody.post("/auth/login", json=right).raise_for_status().json()
        assert (login["token_type"], login["expires_in"]) == ("Bearer", 3600)
        nobody.headers["Authorization"] = f"Bearer {login['access_token']}"
        nobody.get("/compute").raise_for_status()
        plane.advance(3000)
        renewed = nobody.post("/auth/refresh").raise_for_status().json()["access_token"]
        plane.advance(3000)
        assert nobody.get("/compute").status_code == 401
        nobody.headers["Authorization"] = f"Bearer {renewed}"
        nobody.get("/compute").raise_for_status()
    with plane.admin() as admin:
        logged = admin.get("/requests").text
    for secret in (plane.api_key, login["access_token"], renewed):
        assert secret not in plane.log_text
        assert secret not in logged


def test_errors_have_one_string_and_the_documented_statuses(plane: ControlPlane, polnor: httpx.Client) -> None:
    missing = polnor.get("/runs/run_0")
    assert (missing.status_code, missing.json()) == (404, {"error": "No such run."})
    assert polnor.post("/compute", json={"flavor": "x"}).json() == {"error": "Missing required field: name"}
    with plane.vendor("polnor/api/v1", "pk_live_wrong") as wrong:
        refused = wrong.get("/compute")
    assert (refused.status_code, refused.json()) == (401, {"error": "Invalid API key."})
    with plane.vendor("polnor/api/v1", OTHER_KEY) as other:
        assert other.get("/compute").json()["data"] == [], "a workspace sees its own objects"


def test_a_job_runs_its_tasks_in_their_order(polnor: httpx.Client) -> None:
    tasks = [
        {"key": "load", "command": 'echo loaded "$POLNOR_RUN_ID"', "depends_on": ["make"]},
        {"key": "make", "command": "echo made"},
        {"key": "flaky", "command": "exit 3", "max_retries": 2},
        {"key": "after", "command": "echo never", "depends_on": ["flaky"]},
        {"key": "slow", "command": "sleep 60", "timeout_seconds": 1},
    ]
    run_id = run_of(polnor, tasks=tasks)
    assert ended(polnor, run_id)["status"] == "failed"
    assert tasks_of(polnor, run_id) == {
        "load": ("success", 0),
        "make": ("success", 0),
        "flaky": ("failed", 2),
        "after": ("cancelled", 0),
        "slow": ("failed", 0),
    }
    assert polnor.get(f"/runs/{run_id}/tasks/load/logs").json()["logs"] == f"loaded {run_id}\n"
    assert polnor.get(f"/runs/{run_id}/tasks/slow/logs").json()["logs"] == "Timed out.\n"
    assert polnor.get(f"/runs/{run_id}/tasks/none/logs").status_code == 404
    assert polnor.get(f"/runs/{run_id}/lineage").json() == {"read": [], "write": []}


def test_a_single_command_has_no_task_rows(polnor: httpx.Client) -> None:
    run_id = run_of(polnor, command="true")
    assert ended(polnor, run_id)["status"] == "success"
    assert polnor.get(f"/runs/{run_id}/tasks").json() == []


def test_null_tasks_stay_and_an_empty_list_removes_them(polnor: httpx.Client) -> None:
    made = polnor.post("/jobs", json={"name": "a", "tasks": [{"key": "t", "command": "true"}]}).json()["id"]
    polnor.put(f"/jobs/{made}", json={"name": "b", "tasks": None}).raise_for_status()
    first = polnor.post(f"/jobs/{made}/run").json()["run_id"]
    assert list(tasks_of(polnor, first)) == ["t"]
    polnor.put(f"/jobs/{made}", json={"tasks": []}).raise_for_status()
    second = polnor.post(f"/jobs/{made}/run").json()["run_id"]
    assert tasks_of(polnor, second) == {}
    assert list(tasks_of(polnor, first)) == ["t"], "a change never rewrites past runs"
    circle = [{"key": "a", "command": "x", "depends_on": ["b"]}, {"key": "b", "command": "x", "depends_on": ["a"]}]
    assert "circle" in polnor.put(f"/jobs/{made}", json={"tasks": circle}).json()["error"]


def test_a_cancelled_run_ends_its_processes(polnor: httpx.Client, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    stubborn = f"trap 'echo ignored' TERM; echo $$ > {mark}; while :; do sleep 0.1; done"
    run_id = run_of(polnor, tasks=[{"key": "stubborn", "command": stubborn}])
    pid = int(wait_until(lambda: mark.exists() and mark.read_text().strip()))
    assert polnor.post(f"/runs/{run_id}/cancel").status_code == 202
    assert ended(polnor, run_id)["status"] == "cancelled"
    assert tasks_of(polnor, run_id) == {"stubborn": ("cancelled", 0)}
    wait_until(lambda: not living(pid))
    assert polnor.post(f"/runs/{run_id}/cancel").status_code == 409


def test_quotas_name_limit_and_current(polnor: httpx.Client) -> None:
    job = polnor.post("/jobs", json={"name": "many", "command": "sleep 300"}).json()["id"]
    runs = [polnor.post(f"/jobs/{job}/run").raise_for_status().json()["run_id"] for _ in range(10)]
    over = polnor.post(f"/jobs/{job}/run")
    assert (over.status_code, over.json()) == (429, {"error": "max_running_runs=10, current=10"})
    for run_id in runs:
        polnor.post(f"/runs/{run_id}/cancel").raise_for_status()
    for run_id in runs:
        assert ended(polnor, run_id)["status"] == "cancelled"
    endpoints = [{"name": f"e{number}", "model": "churn", "version": 7} for number in range(6)]
    answers = [polnor.post("/endpoints", json=body) for body in endpoints]
    assert [each.status_code for each in answers] == [201] * 5 + [429]
    assert answers[5].json() == {"error": "max_endpoints=5, current=5"}
    assert len(polnor.get("/models/churn/endpoints").json()["data"]) == 5


def test_metrics_audit_and_billing(plane: ControlPlane, polnor: httpx.Client) -> None:
    run = "/experiments/e/runs/r"
    polnor.post(f"{run}/metrics", json={"key": "auc", "value": 0.5, "step": 2}).raise_for_status()
    batch = {"metrics": [{"key": "auc", "value": 0.4, "step": 1}, {"key": "loss", "value": 1.0}]}
    polnor.post(f"{run}/metrics/batch", json=batch).raise_for_status()
    history = polnor.get(f"{run}/metrics/auc").json()["data"]
    assert [(each["step"], each["value"]) for each in history] == [(1, 0.4), (2, 0.5)]
    url = polnor.post(f"{run}/artifacts/presigned-url", json={"path": "model.bin"}).json()["url"]
    assert "/e/r/model.bin?" in url
    today = {"from": "2020-01-01", "to": "2090-01-01"}
    made = polnor.post("/compute", json={"name": "audited", "flavor": "cpu.32"}).json()["id"]
    polnor.post(f"/compute/{made}/start").raise_for_status()
    rows = polnor.get("/audit/analytics", params={**today, "group_by": "day,action"}).json()["data"]
    assert any(row["action"] == "compute.create" and row["count"] >= 1 for row in rows)
    assert polnor.get("/audit/analytics", params={**today, "group_by": "user"}).status_code == 400
    assert polnor.get("/audit/analytics", params={"from": "x", "to": "y"}).status_code == 400
    (cost,) = [
        row for row in polnor.get("/settings/billing/usage", params=today).json()["data"] if "gpu" in row["category"]
    ]
    assert cost["total_cost"] == cost["provider_cost"] * cost["multiplier"]
    assert [each["status"] for each in polnor.get("/settings/billing/invoices").json()["data"]] == ["draft"]


def test_nothing_is_lost_by_kill_9(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--vendor", "polnor") as plane:
        with plane.vendor("polnor/api/v1") as client:
            made = client.post("/compute", json={"name": "kept", "flavor": "cpu.32"}).raise_for_status().json()["id"]
            run_id = run_of(client, tasks=[{"key": "t", "command": f"echo $$ > {mark}; sleep 300; true"}])
            pid = int(wait_until(lambda: mark.exists() and mark.read_text().strip()))
        plane.kill()
        plane.start()
        with plane.vendor("polnor/api/v1") as client:
            assert status_of(client, made) == "stopped"
            assert ended(client, run_id)["status"] == "failed"
            assert tasks_of(client, run_id) == {"t": ("failed", 0)}
            assert "restarted" in client.get(f"/runs/{run_id}/tasks/t/logs").json()["logs"]
        wait_until(lambda: not living(pid))
