"""Several control planes on one PostgreSQL: one service, of which any process may be killed."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pymysql
import pytest

from controlplane.engines.postgres.cluster import embedded_server
from controlplane.state_file import StateFile
from support import mysql
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.receiver import Receiver

KEY = "pk_live_shared_by_all_processes"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own."""
    directory = tmp_path_factory.mktemp("shared")
    with embedded_server(directory / "postgres", StateFile(directory / "state.json"), ephemeral=True) as server:
        yield f"postgresql://{server.user}:{server.password}@{server.host}:{server.port}/postgres"


def process(url: str, *options: str) -> ControlPlane:
    return ControlPlane("--ephemeral", "--database-url", url, "--api-key", KEY, "--rate-limit", "0", *options)


@pytest.fixture(scope="module")
def planes(url: str) -> Iterator[list[ControlPlane]]:
    """Three, started at the same moment on an empty server."""
    planes = [process(url, "--pool-size", "0", "--provision-delay", "0.3") for _ in range(3)]
    with contextlib.ExitStack() as stack:
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(stack.enter_context, planes))
        yield planes


@pytest.fixture
def clients(planes: list[ControlPlane]) -> Iterator[list[httpx.Client]]:
    found = [plane.client() for plane in planes]
    yield found
    for client in found:
        client.close()


def test_one_key_at_once_at_every_process_makes_one_database(clients: list[httpx.Client]) -> None:
    header = new_key()

    def create(number: int) -> httpx.Response:
        return clients[number % 3].post("/databases", json={"name": "single"}, headers=header)

    with ThreadPoolExecutor(25) as threads:
        replies = list(threads.map(create, range(50)))
    codes = Counter(reply.status_code for reply in replies)
    assert codes.keys() <= {202, 409}, codes
    assert {reply.json()["error"]["code"] for reply in replies if reply.status_code == 409} <= {
        "idempotency_key_in_progress"
    }
    made = {reply.json()["data"]["uuid"] for reply in replies if reply.status_code == 202}
    assert len(made) == 1
    for client in clients:
        listed = client.get("/databases").json()["data"]
        assert [each["uuid"] for each in listed if each["name"] == "single"] == list(made)


def test_a_wait_at_one_ends_when_another_has_done_the_work(clients: list[httpx.Client]) -> None:
    with ThreadPoolExecutor(9) as threads:
        made = list(threads.map(lambda n: create_database(clients[n % 3], f"shared-{n}"), range(9)))
    assert len({each["uuid"] for each in made}) == 9
    for client in clients:
        assert wait_active(client, made[0]["uuid"])["db_password"] == made[0]["db_password"]


def events_of(receiver: Receiver, databases: list[str]) -> list[tuple[str, str]]:
    delivered = [(each.content["data"]["uuid"], each.content["event"]) for each in list(receiver.received)]
    return [(uuid, event) for uuid, event in delivered if uuid in databases]


def test_each_event_is_delivered_once_and_in_order(clients: list[httpx.Client]) -> None:
    with Receiver() as receiver:
        hook = clients[0].post("/webhook_endpoints", json={"url": receiver.url}, headers=new_key()).json()["data"]["id"]

        def live_and_die(number: int) -> str:
            database = create_database(clients[number % 3], f"told-{number}")
            clients[(number + 1) % 3].delete(f"/databases/{database['uuid']}", headers=new_key())
            return str(database["uuid"])

        with ThreadPoolExecutor(6) as threads:
            databases = list(threads.map(live_and_die, range(12)))
        # Databases of the tests before may still be at work: their events come here too.
        wait_until(lambda: len(events_of(receiver, databases)) >= 36)
        clients[0].delete(f"/webhook_endpoints/{hook}", headers=new_key())
    delivered = events_of(receiver, databases)
    assert len(delivered) == len(set(delivered)) == 36
    for database in databases:
        assert [event for uuid, event in delivered if uuid == database] == [
            "database.provisioning_started",
            "database.provisioned",
            "database.deleted",
        ]


def test_what_a_killed_process_was_at_is_done_by_the_others(url: str, clients: list[httpx.Client]) -> None:
    with process(url, "--pool-size", "0", "--provision-delay", "0.2") as victim, Receiver() as receiver:
        made: list[str] = []
        with victim.client() as client:
            body = {"name": "slow", "sql_content": "SELECT pg_sleep(1); CREATE TABLE once (n int);"}
            blueprint = client.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
            target = create_database(client, "target")
            body = {"url": receiver.url, "events": ["database.provisioned"]}
            hook = client.post("/webhook_endpoints", json=body, headers=new_key()).json()["data"]["id"]
            for number in range(6):
                reply = client.post("/databases", json={"name": f"orphan-{number}"}, headers=new_key())
                made.append(reply.json()["data"]["uuid"])
            path = f"/databases/{target['uuid']}/blueprint_applications"
            body = {"blueprint_uuid": blueprint, "wait": False}
            run = client.post(path, json=body, headers=new_key()).json()["data"]["id"]
            threading.Event().wait(0.5)  # somewhere in the middle of all of it
        victim.kill()
        for uuid in made:
            wait_active(clients[0], uuid)
        ended = wait_until(
            lambda: (found := clients[1].get(f"/blueprint_applications/{run}").json()["data"])["completed_at"] and found
        )
        assert ended["status"] == "completed"
        wait_until(lambda: {each.content["data"]["uuid"] for each in receiver.received} == set(made))
        clients[0].delete(f"/webhook_endpoints/{hook}", headers=new_key())


def test_a_frozen_clock_stands_still_for_all(planes: list[ControlPlane]) -> None:
    with planes[0].admin() as admin:
        admin.post("/clock/freeze", json={"at": "2030-01-01T00:00:00Z"}).raise_for_status()
        try:
            for plane in planes:
                with plane.admin() as other:
                    wait_until(lambda: other.get("/clock").json()["now"] == "2030-01-01T00:00:00Z")
                with plane.client() as client:
                    body = {"name": "then", "sql_content": "SELECT 1"}
                    made = client.post("/blueprints", json=body, headers=new_key()).json()["data"]
                    assert made["created_at"] == "2030-01-01T00:00:00Z"
        finally:
            admin.post("/clock/reset").raise_for_status()


def test_the_limit_of_a_key_is_one_for_all(url: str, planes: list[ControlPlane], tmp_path: Path) -> None:
    """However many calls come at once, wherever."""
    seed = tmp_path / "seed.json"
    key = {"key": "pk_live_limited_everywhere", "name": "k", "requests_per_minute": 10, "monthly_quota": 15}
    seed.write_text(json.dumps({"users": [{"name": "L", "email": "l@x.test", "teams": ["T"], "keys": [key]}]}))
    with ControlPlane("--ephemeral", "--database-url", url, "--api-key", KEY, "--pool-size", "0", seed=seed):
        pass  # the key is there now
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(12) as threads:
        asked = [stack.enter_context(plane.client(key["key"])) for plane in planes]
        codes = list(threads.map(lambda n: asked[n % 3].get("/me").status_code, range(40)))
        assert Counter(codes) == {200: 10, 429: 30}
        planes[0].advance(61)
        for plane in planes:
            with plane.admin() as admin:
                wait_until(lambda admin=admin: admin.get("/clock").json()["offset_seconds"] >= 61)
        codes = list(threads.map(lambda n: asked[n % 3].get("/me").status_code, range(40)))
        assert Counter(codes) == {200: 5, 429: 35}, "the month is used up"
    with planes[0].admin() as admin:
        admin.post("/clock/reset").raise_for_status()


def test_mysql_has_one_host_that_may_go_and_come_back(url: str, clients: list[httpx.Client], tmp_path: Path) -> None:
    """The first process whose directory lasts is it; those without one say what is missing."""
    options = ("--database-url", url, "--api-key", KEY, "--rate-limit", "0", "--pool-size", "0")

    def is_offered(client: httpx.Client) -> bool:
        found = {each["value"]: each["is_available"] for each in client.get("/database_types").json()["data"]}
        return bool(found["mysql"])

    refused = clients[0].post("/databases", json={"name": "m", "db_type": "mysql"}, headers=new_key())
    assert "start it with its --data-dir again" in refused.json()["error"]["message"]
    with ControlPlane("--data-dir", str(tmp_path / "host"), *options) as host:
        wait_until(lambda: is_offered(clients[0]))
        made = create_database(clients[0], "m", db_type="mysql")
        mysql.once(made, "CREATE TABLE kept AS SELECT 42 AS answer")
        with ControlPlane("--data-dir", str(tmp_path / "other"), *options) as other:
            assert not (tmp_path / "other" / "mysql").exists()
            host.kill()
            wait_until(lambda: not is_offered(clients[0]))
            with other.client() as client:
                wait_until(lambda: not is_offered(client))  # it has not the files
                assert client.get(f"/databases/{made['uuid']}").json()["data"]["port"] == made["port"]
            waiting = clients[1].delete(f"/databases/{made['uuid']}", headers=new_key())
            assert waiting.status_code == 200, "the row comes first"
        host.restart()
        wait_until(lambda: is_offered(clients[0]))
        again = create_database(clients[0], "n", db_type="mysql")
        assert mysql.once(again, "SELECT 1") == [(1,)]
        with pytest.raises(pymysql.err.OperationalError):
            mysql.once(made, "SELECT 1")


def test_the_servers_password_is_never_shown(planes: list[ControlPlane], url: str, tmp_path: Path) -> None:
    password = url.split(":")[2].split("@")[0]
    assert len(password) > 8
    assert not [plane for plane in planes if password in plane.log_text]
