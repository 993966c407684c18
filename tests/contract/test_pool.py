"""The warm pool and many creations at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from support import server_admin
from support.control_plane import ControlPlane, new_key, wait_until


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    arguments = ["--ephemeral", "--rate-limit", "0", "--pool-size", "2", "--provision-delay", "1"]
    with ControlPlane(*arguments) as plane:
        yield plane


def test_the_pool_serves_at_once_and_is_filled_up_again(client: httpx.Client) -> None:
    def create_instantly() -> bool:
        reply = client.post("/databases", json={"name": "warm"}, headers=new_key())
        if reply.status_code == 201:
            psycopg.connect(reply.json()["data"]["connection_string"]).close()
        return reply.status_code == 201

    assert create_instantly()
    assert create_instantly()
    wait_until(create_instantly)


def test_more_at_once_than_the_pool_holds_all_become_databases_of_their_own(client: httpx.Client) -> None:
    def create(_: int) -> httpx.Response:
        return client.post("/databases", params={"wait": "true"}, json={"name": "burst"}, headers=new_key())

    with ThreadPoolExecutor(12) as threads:
        replies = list(threads.map(create, range(12)))
    assert Counter(reply.status_code for reply in replies) == {201: 12}
    assert len({reply.json()["data"]["db_name"] for reply in replies}) == 12
    for reply in replies:
        psycopg.connect(reply.json()["data"]["connection_string"]).close()


def test_one_key_at_once_makes_one_database(client: httpx.Client) -> None:
    header = new_key()

    def create(_: int) -> httpx.Response:
        return client.post("/databases", params={"wait": "true"}, json={"name": "only"}, headers=header)

    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(create, range(8)))
    made = [reply.json()["data"]["uuid"] for reply in replies if reply.status_code == 201]
    refused = [reply.json()["error"]["code"] for reply in replies if reply.status_code != 201]
    assert len(set(made)) == 1
    assert set(refused) <= {"idempotency_key_in_progress"}
    listed = client.get("/databases", params={"limit": 100}).json()["data"]
    assert [database["name"] for database in listed].count("only") == 1


def test_health_is_open_to_all(plane: ControlPlane) -> None:
    assert httpx.get(f"{plane.origin}/healthz", trust_env=False).json() == {"status": "ok"}
    missing = httpx.get(f"{plane.origin}/nowhere", trust_env=False)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


def test_nobody_enters_a_database_while_it_is_made(plane: ControlPlane, client: httpx.Client) -> None:
    """Not between its creation and the moment when its rights are set."""
    open_to_all = (
        "SELECT datname FROM pg_database WHERE datname LIKE 'instance%' AND datconnlimit <> 0"
        " AND has_database_privilege('public', oid, 'CONNECT')"
    )
    with server_admin.connect(plane) as look, ThreadPoolExecutor(3) as threads:
        body = {"params": {"wait": "true"}, "json": {"name": "building"}}
        building = [threads.submit(client.post, "/databases", headers=new_key(), **body) for _ in range(9)]
        while not all(each.done() for each in building):
            assert look.execute(open_to_all).fetchall() == []
    assert {each.result().status_code for each in building} == {201}
