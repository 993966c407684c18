"""Polytomic's reference server: queries on real databases, each documented status, limits, faults, kill -9."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controlplane.registry import VENDORS
from polykomos_provider.commands.dev import dev
from support.control_plane import (
    NO_SCOPE_KEY,
    OTHER_KEY,
    SCOPE_KEYS,
    ControlPlane,
    create_database,
    wait_until,
)

SLOW = "SELECT count(*) FROM generate_series(1, 400000000)"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", "--vendor", "polytomic") as plane:
        yield plane


@pytest.fixture(scope="module")
def connection(plane: ControlPlane) -> str:
    with plane.client() as api:
        uuid: str = create_database(api, "warehouse")["uuid"]
        return uuid


@pytest.fixture
def polytomic(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("polytomic") as client:
        yield client


def submit(client: httpx.Client, connection: str, query: str | None, **options: Any) -> httpx.Response:
    params = {} if query is None else {"query": query}
    return client.post(f"/api/connections/{connection}/query", params=params, **{"json": {}, **options})


def ended(client: httpx.Client, id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        data: dict[str, Any] = client.get(f"/api/queries/{id}").raise_for_status().json()["data"]
        return data if data["status"] in ("done", "failed") else None

    found: dict[str, Any] = wait_until(look)
    return found


def run(client: httpx.Client, connection: str, query: str) -> dict[str, Any]:
    return ended(client, submit(client, connection, query).raise_for_status().json()["data"]["id"])


def test_a_query_is_submitted_and_its_rows_are_fetched(polytomic: httpx.Client, connection: str) -> None:
    created = submit(polytomic, connection, "SELECT 1 AS a, 'é & b' AS b UNION ALL SELECT 2, NULL ORDER BY a")
    assert created.status_code == 200
    data = created.json()["data"]
    assert created.json() == {"data": data}, "no request id in the body"
    assert created.headers["x-request-id"].startswith("req_")
    assert data.keys() == {"id", "status", "count", "error", "expires", "fields", "results"}
    assert (data["status"], data["fields"], data["results"]) == ("created", [], [])
    done = ended(polytomic, data["id"])
    assert done["status"] == "done"
    assert done["fields"] == ["a", "b"]
    assert done["results"] == [{"a": 1, "b": "é & b"}, {"a": 2, "b": None}]
    assert (done["count"], done["error"], done["id"], done["expires"]) == (2, "", data["id"], data["expires"])


def test_a_query_runs_as_the_tenant_and_may_write(
    plane: ControlPlane, polytomic: httpx.Client, connection: str
) -> None:
    with plane.client() as api:
        user = api.get(f"/databases/{connection}").json()["data"]["db_username"]
    assert run(polytomic, connection, "SELECT current_user AS u")["results"] == [{"u": user}]
    assert run(polytomic, connection, "CREATE TABLE t (id int)")["status"] == "done"
    written = run(polytomic, connection, "INSERT INTO t VALUES (1), (2)")
    assert (written["status"], written["count"], written["results"]) == ("done", 2, [])
    assert run(polytomic, connection, "SELECT * FROM t WHERE id > 5")["fields"] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT nothing FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT pg_sleep(60)", "The query was not run: pg_sleep() is not allowed"),
        ("DELETE FROM t", "DELETE without WHERE"),
        ("SELECT 'open", "The query was not run|unterminated|quote"),
    ],
)
def test_a_query_that_cannot_run_has_failed(polytomic: httpx.Client, connection: str, query: str, error: str) -> None:
    failed = run(polytomic, connection, query)
    assert (failed["status"], failed["results"], failed["count"]) == ("failed", [], 0)
    assert any(text in failed["error"] for text in error.split("|")), failed["error"]


def test_a_large_result_is_cut_as_those_of_the_control_plane_are(polytomic: httpx.Client, connection: str) -> None:
    done = run(polytomic, connection, "SELECT generate_series(1, 250) AS n")
    assert (done["count"], len(done["results"])) == (100, 100)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_both_ways_to_send_a_key(plane: ControlPlane, connection: str) -> None:
    for headers in (basic("organization", plane.api_key), basic(plane.api_key, "")):
        with plane.vendor("polytomic", headers=headers) as client:
            assert run(client, connection, "SELECT 1 AS one")["results"] == [{"one": 1}]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic !"}, 401),
        ({"Authorization": "Token x"}, 401),
        (basic("", ""), 401),
        (basic("a", "b"), 403),
        ({"Authorization": "Bearer nobody"}, 403),
        ({"Authorization": f"Bearer {NO_SCOPE_KEY}"}, 403),
    ],
)
def test_other_keys_are_refused(plane: ControlPlane, connection: str, headers: dict[str, str], status: int) -> None:
    with plane.vendor("polytomic", headers=headers) as client:
        refused = submit(client, connection, "SELECT 1")
        assert refused.status_code == status
        assert refused.json().keys() == {"message"}
        assert client.get(f"/api/queries/{uuid.uuid4()}").status_code == status


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("{connection}", {}, 400),
        ("{connection}", {"params": {"query": " "}}, 400),
        ("{connection}", {"params": {"query": "SELECT 1"}, "json": []}, 400),
        ("{connection}", {"params": {"query": "SELECT 1"}, "json": None, "content": b"{"}, 400),
        ("no-uuid", {"params": {"query": "SELECT 1"}}, 400),
        ("00000000-0000-0000-0000-000000000000", {"params": {"query": "SELECT 1"}}, 404),
    ],
)
def test_a_wrong_request_is_refused(
    polytomic: httpx.Client, connection: str, path: str, options: dict[str, Any], status: int
) -> None:
    url = f"/api/connections/{path.format(connection=connection)}/query"
    refused = polytomic.post(url, **{"json": {}, **options})
    assert refused.status_code == status
    assert refused.json().keys() == {"message"}


def test_only_the_creator_sees_a_query(plane: ControlPlane, polytomic: httpx.Client, connection: str) -> None:
    id_ = submit(polytomic, connection, "SELECT 1").json()["data"]["id"]
    with plane.vendor("polytomic", OTHER_KEY) as other:
        assert other.get(f"/api/queries/{id_}").status_code == 404
        assert submit(other, connection, "SELECT 1").status_code == 404
    with plane.vendor("polytomic", SCOPE_KEYS["queries:write"]) as same_user:
        assert same_user.get(f"/api/queries/{id_}").status_code == 200
    for absent in ("no-uuid", str(uuid.uuid4())):
        assert polytomic.get(f"/api/queries/{absent}").status_code == 404


def test_a_result_expires(plane: ControlPlane, polytomic: httpx.Client, connection: str) -> None:
    done = run(polytomic, connection, "SELECT 1")
    try:
        plane.advance(3590)
        assert polytomic.get(f"/api/queries/{done['id']}").status_code == 200
        plane.advance(20)
        assert polytomic.get(f"/api/queries/{done['id']}").status_code == 404
    finally:
        with plane.admin() as admin:
            admin.post("/clock/reset").raise_for_status()


def test_faults_and_the_request_log_work_and_no_log_has_the_sql(
    plane: ControlPlane, polytomic: httpx.Client, connection: str
) -> None:
    secret = "SELECT 'sesame-0815' AS word"
    with plane.admin() as admin:
        rule = {"operation": "polytomicRunQuery", "effect": "status", "status": 500}
        admin.post("/faults", json=rule).raise_for_status()
        failed = submit(polytomic, connection, secret)
        assert (failed.status_code, failed.json().keys()) == (500, {"message"})
        assert run(polytomic, connection, secret)["results"] == [{"word": "sesame-0815"}]
        run(polytomic, connection, "SELECT 'sesame-0815' FROM nowhere")

        def logged() -> list[dict[str, Any]]:
            entries: list[dict[str, Any]] = admin.get("/requests", params={"limit": 100}).raise_for_status().json()
            return [each for each in entries if each["operation"] in ("polytomicRunQuery", "polytomicGetQuery")]

        wait_until(lambda: {"polytomicRunQuery", "polytomicGetQuery"} <= {each["operation"] for each in logged()})
        assert "sesame" not in str(logged())
        assert any("query=***" in each["target"] for each in logged())
    assert "sesame" not in plane.log_text


def test_kill_nine_loses_nothing(tmp_path: Path) -> None:
    """A result stays, a queued query runs later, and a running one has failed, because it may have been carried out."""
    data = str(tmp_path / "data")
    with ControlPlane("--data-dir", data, "--rate-limit", "0", "--pool-size", "0", "--vendor", "all") as plane:
        with plane.client() as api:
            connection = create_database(api, "killed")["uuid"]
        with plane.vendor("polytomic") as client:
            done = run(client, connection, "SELECT 42 AS answer")
            running = [submit(client, connection, SLOW).json()["data"]["id"] for _ in range(4)]
            wait_until(lambda: client.get(f"/api/queries/{running[-1]}").json()["data"]["status"] == "running")
            queued = submit(client, connection, "SELECT 7 AS seven").json()["data"]["id"]
        plane.kill()
        plane.restart()
        with plane.vendor("polytomic") as client:
            assert client.get(f"/api/queries/{done['id']}").json()["data"] == done
            assert ended(client, queued)["results"] == [{"seven": 7}]
            for id_ in running:
                failed = ended(client, id_)
                assert failed["status"] == "failed"
                assert failed["error"].startswith("The service was restarted while the query ran")


def test_the_option_names_every_vendor() -> None:
    (option,) = [each for each in dev.params if each.name == "vendors"]
    assert {*option.type.choices} == {*VENDORS, "all"}  # type: ignore[attr-defined]
