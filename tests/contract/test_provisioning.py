"""Creation that takes a while: 201 or 202, wait, timeout, poll_url (api-facts op 4, S6, S8, S9)."""

from __future__ import annotations

import concurrent.futures
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import SLOW, SLOW_SECONDS, ControlPlane, delete_all, new_key, wait_active, wait_until
from support.operations import BY_NAME, check_envelope, error_of

# The longest wait that the API offers: real time, in which nothing is provisioned unless a test puts the clock forward.
LONGEST: dict[str, Any] = {"wait": "true", "timeout": "120"}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """No pool, and each provisioning takes long, unless the clock is put forward."""
    with ControlPlane(*SLOW) as plane:
        yield plane


@pytest.fixture(scope="module")
def slow(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


@pytest.fixture(scope="module")
def provision(plane: ControlPlane) -> Callable[[], None]:
    """Let the provisioning of every database end that has been created so far."""
    return lambda: plane.advance(SLOW_SECONDS)


@pytest.fixture
def waiting(slow: httpx.Client) -> Iterator[Callable[..., tuple[list[concurrent.futures.Future[Any]], set[str]]]]:
    """Begins so many creations that wait, and returns the calls and the uuids of their databases."""
    with concurrent.futures.ThreadPoolExecutor(8) as threads:

        def begin(count: int, **body: Any) -> tuple[list[concurrent.futures.Future[Any]], set[str]]:
            known = uuids(slow)
            calls = [threads.submit(lambda: create(slow, body=body, **LONGEST)) for _ in range(count)]
            wait_until(lambda: len(uuids(slow) - known) == count)
            return calls, uuids(slow) - known

        yield begin


def uuids(client: httpx.Client) -> set[str]:
    """Those of the databases that are there."""
    return {item["uuid"] for item in client.get("/databases", params={"limit": 100}).json()["data"]}


def create(
    client: httpx.Client, *, headers: dict[str, str] | None = None, body: dict[str, Any] | None = None, **query: object
) -> httpx.Response:
    params = {name: str(value) for name, value in query.items()}
    return client.post("/databases", json={"name": "slow", **(body or {})}, params=params, headers=headers or new_key())


def assert_pending(reply: httpx.Response) -> dict[str, Any]:
    """A 202 with all it must say, and no secret."""
    assert reply.status_code == 202, reply.text
    check_envelope(reply)
    body: dict[str, Any] = reply.json()
    assert body["message"] == "Database is still provisioning."
    assert body["data"]["status"] == "provisioning"
    assert body["provisioning"].keys() == {"completed", "waited_seconds", "poll_url"}
    assert body["provisioning"]["completed"] is False
    assert body["provisioning"]["poll_url"] == f"/api/v1/databases/{body['data']['uuid']}"
    assert isinstance(body["provisioning"]["waited_seconds"], int)
    assert not body["data"].get("db_password")
    assert not re.search(r"//[^:]+:(?!\*)", body["data"]["connection_string"] or "")
    return body


def databases_and_roles(connection_string: str) -> set[str]:
    """All that the server has, as any tenant can see."""
    with psycopg.connect(connection_string) as conn:
        return {row[0] for row in conn.execute("SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles")}


@pytest.mark.facts("S8", "C25", "C16")
def test_without_wait_the_answer_comes_at_once(slow: httpx.Client) -> None:
    body = assert_pending(create(slow))
    assert body["provisioning"]["waited_seconds"] == 0


@pytest.mark.parametrize("query", [{"wait": "false"}, {"timeout": "5"}, {"wait": "false", "timeout": "5"}])
def test_a_timeout_without_wait_means_nothing(slow: httpx.Client, query: dict[str, Any]) -> None:
    assert assert_pending(create(slow, **query))["provisioning"]["waited_seconds"] == 0


@pytest.mark.facts("C25")
def test_with_wait_the_database_is_ready_to_use(waiting: Any, provision: Callable[[], None]) -> None:
    (call,), _ = waiting(1)
    assert not call.done()
    provision()
    reply = call.result()
    assert reply.status_code == 201, reply.text
    body = reply.json()
    assert body["message"] == "Database provisioned."
    assert "provisioning" not in body
    assert body["data"]["status"] == "active"
    with psycopg.connect(body["data"]["connection_string"]) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.facts("S9", "C25")
def test_a_wait_that_is_too_short_ends_in_202(slow: httpx.Client) -> None:
    started = time.monotonic()
    body = assert_pending(create(slow, wait="true", timeout=1))
    assert time.monotonic() - started >= 1
    assert body["provisioning"]["waited_seconds"] >= 1


def test_the_poll_url_leads_to_the_database(slow: httpx.Client, provision: Callable[[], None]) -> None:
    body = assert_pending(create(slow))
    poll_url = str(slow.base_url).split("/api/v1")[0] + body["provisioning"]["poll_url"]
    pending = slow.get(poll_url).json()["data"]
    assert pending["status"] == "provisioning"
    assert not pending["db_password"]
    provision()
    wait_active(slow, body["data"]["uuid"])
    ready = slow.get(poll_url).json()["data"]
    assert ready["db_password"]
    with psycopg.connect(ready["connection_string"]) as conn:
        assert conn.execute("SELECT current_database()").fetchone() == (ready["db_name"],)


def test_a_replay_does_not_provision_again_nor_wait(slow: httpx.Client, provision: Callable[[], None]) -> None:
    headers = new_key()
    first = create(slow, headers=headers, wait="true", timeout=1)
    provision()
    wait_active(slow, first.json()["data"]["uuid"])
    again = create(slow, headers=headers, wait="true", timeout=1)
    assert again.status_code == 202, "who waits finds it active, and says so"
    assert again.json()["idempotency_replay"] is True
    assert again.json()["data"] == first.json()["data"]


@pytest.mark.facts("idempotency:in-progress", "errors:409")
def test_an_equal_call_while_the_first_one_waits_is_a_conflict(
    slow: httpx.Client, provision: Callable[[], None]
) -> None:
    headers, known = new_key(), uuids(slow)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        first = thread.submit(lambda: create(slow, headers=headers, **LONGEST))
        wait_until(lambda: uuids(slow) - known)
        error_of(create(slow, headers=headers, **LONGEST), 409, "idempotency_key_in_progress")
        provision()
        assert first.result().status_code == 201


def test_waiting_calls_keep_nobody_else_waiting(
    slow: httpx.Client, waiting: Any, provision: Callable[[], None]
) -> None:
    calls, _ = waiting(8)
    assert slow.get("/me").status_code == 200
    assert not any(call.done() for call in calls)
    provision()
    replies = [call.result() for call in calls]
    assert [reply.status_code for reply in replies] == [201] * 8
    assert len({reply.json()["data"]["connection_string"] for reply in replies}) == 8


@pytest.mark.facts("S6")
def test_deleted_while_provisioning_it_never_comes_to_be(
    slow: httpx.Client, waiting: Any, provision: Callable[[], None]
) -> None:
    """S6."""

    def ready() -> dict[str, Any]:
        """A new database. Jobs run in order: when this one is ready, those of earlier tests are done."""
        (call,), _ = waiting(1)
        provision()
        made: dict[str, Any] = call.result().json()["data"]
        return made

    neighbour = ready()["connection_string"]
    before = databases_and_roles(neighbour)
    made = assert_pending(create(slow))["data"]["uuid"]
    reply = BY_NAME["deleteDatabase"].call(slow, made)
    assert reply.status_code == 200, reply.text
    data = reply.json()["data"]
    assert data["deleted"] is True
    assert data["cancelled_provision_jobs"] == 1
    assert data["has_remote_resources"] is False
    assert data["destroy_scheduled_at"] is None
    error_of(slow.get(f"/databases/{made}"), 404, "not_found")
    later = ready()
    error_of(slow.get(f"/databases/{made}"), 404, "not_found")
    assert databases_and_roles(neighbour) - {later["db_name"], later["db_username"]} == before


def test_a_wait_ends_when_the_database_is_deleted(slow: httpx.Client, waiting: Any) -> None:
    (call,), (made,) = waiting(1)
    BY_NAME["deleteDatabase"].call(slow, made)
    reply = call.result(timeout=90)
    # No source says which answer; it must be an honest one: never "provisioned".
    assert reply.status_code != 201
    assert reply.status_code < 500


@pytest.mark.parametrize("name", ["updateDatabase", "updateDatabaseQuotas"])
def test_a_database_can_be_changed_while_it_is_provisioned(
    slow: httpx.Client, provision: Callable[[], None], name: str
) -> None:
    made = assert_pending(create(slow))["data"]["uuid"]
    reply = BY_NAME[name].call(slow, made)
    assert reply.status_code == 200, reply.text
    assert not reply.json()["data"].get("db_password")
    provision()
    active = wait_active(slow, made)
    assert (active["name"], active["quotas"]["warning_threshold_pct"]) in {("renamed", 80), ("slow", 70)}


def test_creations_whose_blueprint_takes_long_keep_nobody_else_from_being_built(
    slow: httpx.Client, waiting: Any, provision: Callable[[], None]
) -> None:
    sql = "SELECT CASE WHEN current_database() ~ '^long' THEN pg_sleep(120) END"
    blueprint = BY_NAME["createBlueprint"].call(slow, json={"name": "Long", "sql_content": sql}).json()["data"]["uuid"]
    (call,), _ = waiting(1)
    provision()
    any_one = call.result().json()["data"]["connection_string"]
    # As many as are built at once, and one more.
    body = {"name": "long", "blueprint_uuid": blueprint}
    long = [slow.post("/databases", json=body, headers=new_key()).json()["data"] for _ in range(4)]
    provision()
    wait_until(lambda: {each["db_name"] for each in long} <= databases_and_roles(any_one))
    (call,), _ = waiting(1)
    provision()
    reply = call.result()
    assert reply.status_code == 201, reply.text
    assert {slow.get(f"/databases/{each['uuid']}").json()["data"]["status"] for each in long} == {"provisioning"}
    delete_all(slow, [each["uuid"] for each in long])


@pytest.mark.facts("S26")
def test_a_blueprint_cannot_be_applied_before_it_is_active(slow: httpx.Client, provision: Callable[[], None]) -> None:
    """S26."""
    blueprint = BY_NAME["createBlueprint"].call(slow).json()["data"]["uuid"]
    made = assert_pending(create(slow))["data"]["uuid"]
    apply = BY_NAME["createDatabaseBlueprintApplication"]
    error_of(apply.call(slow, made, json={"blueprint_uuid": blueprint}), 422, "database_not_active")
    provision()
    wait_active(slow, made)
    reply = apply.call(slow, made, json={"blueprint_uuid": blueprint})
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["status"] == "completed"


@pytest.mark.facts("C2")
def test_a_blueprint_at_creation_is_there_when_the_wait_ends(
    waiting: Any, slow: httpx.Client, provision: Callable[[], None]
) -> None:
    """C2."""
    sql = "CREATE TABLE seeded AS SELECT {{answer}}::int AS answer"
    variables = {"answer": {"type": "number", "required": True}}
    made = BY_NAME["createBlueprint"].call(slow, json={"name": "Seed", "sql_content": sql, "variables": variables})
    assert made.status_code == 201, made.text
    body = {"blueprint_uuid": made.json()["data"]["uuid"], "blueprint_variables": {"answer": 42}}
    (call,), _ = waiting(1, **body)
    provision()
    reply = call.result()
    assert reply.status_code == 201, reply.text
    with psycopg.connect(reply.json()["data"]["connection_string"]) as conn:
        assert conn.execute("SELECT answer FROM seeded").fetchone() == (42,)
