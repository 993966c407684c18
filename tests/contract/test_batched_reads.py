"""Reads that share list pages, against a real control plane: how many calls, and how old an answer may be."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from polykomos.client import Blueprint, Client, NotFoundError
from support.calls import counted
from support.control_plane import ControlPlane, wait_until
from support.naming import unique

MANY = 230


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture(scope="module")
def uuids(plane: ControlPlane) -> list[str]:
    """Three pages of blueprints."""
    with plane.client() as api, ThreadPoolExecutor(8) as threads:

        def make(number: int) -> str:
            body = {"name": f"many-{number}", "sql_content": "SELECT 1"}
            headers = {"Idempotency-Key": unique("many")}
            reply = api.post("/blueprints", json=body, headers=headers).raise_for_status()
            return str(reply.json()["data"]["uuid"])

        return list(threads.map(make, range(MANY)))


@pytest.fixture
def new_client(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], Client]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: list[Client] = []

    def make(seconds: float = 10) -> Client:
        made.append(Client(base_url=plane.base_url, api_key=plane.api_key, read_snapshot_seconds=seconds))
        return made[-1]

    yield make
    for client in made:
        client.close()


def as_listed(blueprint: Blueprint) -> Blueprint:
    return blueprint


def read_all(client: Client, uuids: list[str], at_once: int = 8) -> list[Blueprint]:
    """As an engine refreshes: a few at a time."""
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda uuid: client.read_blueprint(uuid, as_listed), uuids))


@pytest.mark.parametrize("at_once", [1, 8, 64])
def test_many_reads_cost_a_few_pages(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client], at_once: int
) -> None:
    with counted(plane) as calls:
        found = read_all(new_client(), uuids, at_once)
    assert [each.uuid for each in found] == uuids
    assert calls["listBlueprints"] <= 3
    assert calls.total() <= (6 if at_once == 1 else 5), calls


def test_off_means_one_call_each(plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]) -> None:
    with counted(plane) as calls:
        read_all(new_client(0), uuids[:5])
    assert calls == {"getBlueprint": 5}


def test_a_lonely_read_is_one_get(plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]) -> None:
    with counted(plane) as calls:
        assert new_client().read_blueprint(uuids[0], as_listed).sql_content == "SELECT 1"
    assert calls == {"getBlueprint": 1}


def test_few_reads_of_a_large_account_never_cost_more_than_twice(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]
) -> None:
    """The oldest are on the last page: reading up to it for two objects would be dearer than asking for them."""
    with counted(plane) as calls:
        read_all(new_client(), uuids[:2], 1)
    assert calls.total() <= 3, calls


def test_an_object_that_is_not_listed_is_read_by_itself(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]
) -> None:
    client = new_client()
    gone = client.create_blueprint(name=unique("gone"), sql_content="SELECT 1").object.uuid
    with plane.client() as others:
        others.delete(f"/blueprints/{gone}").raise_for_status()
        read_all(client, uuids)
        made_since = others.post(
            "/blueprints", json={"name": "new", "sql_content": "SELECT 2"}, headers={"Idempotency-Key": unique("new")}
        ).json()["data"]["uuid"]
    with counted(plane) as calls, pytest.raises(NotFoundError):
        client.read_blueprint(gone, as_listed)
    assert calls == {"getBlueprint": 1}
    assert client.read_blueprint(made_since, as_listed).name == "new"


def test_one_that_the_list_does_not_show_whole_is_read_by_itself(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]
) -> None:
    client = new_client()
    read_all(client, uuids[-20:])
    with counted(plane) as calls:
        assert client.read_blueprint(uuids[-1], lambda _listed: None).sql_content == "SELECT 1"
    assert calls == {"getBlueprint": 1}


def test_never_from_before_the_last_write(uuids: list[str], new_client: Callable[..., Client]) -> None:
    client = new_client(300)
    for round_ in range(5):
        read_all(client, uuids[-3:], 1)
        client.update_blueprint(uuids[-1], {"description": f"round {round_}"})
        found = read_all(client, uuids[-3:], 1)
        assert found[-1].description == f"round {round_}"


def test_reads_during_a_write_do_not_serve_those_after_it(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]
) -> None:
    """A page that was asked for before a write had ended may lack it, however late it arrives."""
    client = new_client(300)
    read_all(client, uuids[-2:], 1)
    with plane.admin() as admin:
        admin.post(
            "/faults", json={"operation": "listBlueprints", "effect": "latency", "seconds": 1}
        ).raise_for_status()
        with ThreadPoolExecutor(1) as aside:
            client.update_blueprint(uuids[-1], {"description": "makes the listing old"})
            early = aside.submit(client.read_blueprint, uuids[-1], as_listed)
            time.sleep(0.2)
            client.update_blueprint(uuids[-1], {"description": "later"})
            assert client.read_blueprint(uuids[-1], as_listed).description == "later"
            early.result()


def test_a_list_that_fails_is_no_failed_read(
    plane: ControlPlane, uuids: list[str], new_client: Callable[..., Client]
) -> None:
    with plane.admin() as admin:
        rule = {"operation": "listBlueprints", "effect": "status", "status": 403, "count": None}
        admin.post("/faults", json=rule).raise_for_status()
        try:
            with counted(plane) as calls:
                assert len(read_all(new_client(), uuids[:20])) == 20
        finally:
            admin.delete("/faults").raise_for_status()
    assert (calls["getBlueprint"], calls.total()) == (20, 21)


def test_endpoints_are_listed_once_for_all(plane: ControlPlane, new_client: Callable[..., Client]) -> None:
    client = new_client()
    ids = [
        client.create_webhook_endpoint(url=f"https://hooks.example.com/{number}").endpoint.id for number in range(12)
    ]
    with counted(plane) as calls, ThreadPoolExecutor(8) as threads:
        assert [each.id for each in threads.map(client.read_webhook_endpoint, ids)] == ids
    assert calls == {"listWebhookEndpoints": 1}
    with pytest.raises(NotFoundError):
        client.read_webhook_endpoint(999_999)


def test_no_read_is_staler_than_the_bound(uuids: list[str], new_client: Callable[..., Client]) -> None:
    """Other processes write all the time; each answer must have been true at most `bound` before it was asked for."""
    bound, watched = 0.5, uuids[-6:]
    written: dict[str, list[tuple[float, str]]] = {uuid: [(0.0, "start")] for uuid in watched}
    stop, seen, late = threading.Event(), Counter[str](), list[str]()
    for uuid in watched:
        new_client(0).update_blueprint(uuid, {"description": "start"})

    def write(client: Client, mine: list[str]) -> None:
        number = 0
        while not stop.is_set():
            for uuid in mine:
                number += 1
                client.update_blueprint(uuid, {"description": str(number)})
                written[uuid].append((time.monotonic(), str(number)))

    def read(client: Client) -> None:
        while not stop.is_set():
            for uuid in watched:
                asked = time.monotonic()
                told = client.read_blueprint(uuid, as_listed).description
                # The newest that was acknowledged `bound` before: that one or any later one is right.
                newest = [text for moment, text in written[uuid] if moment < asked - bound][-1:]
                if newest and newest != ["start"] and (told == "start" or int(str(told)) < int(newest[0])):
                    late.append(f"{told} after {newest}")
                seen[str(told)] += 1

    reader = new_client(bound)
    threads = [threading.Thread(target=write, args=(new_client(0), watched[at::2])) for at in range(2)]
    threads += [threading.Thread(target=read, args=(reader,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    # Enough writes, and enough of them seen: how many the readers see in a given time is the machine's business.
    wait_until(lambda: (len(written[watched[-1]]) > 40 and len(seen) > 10) or late, seconds=60)
    stop.set()
    for thread in threads:
        thread.join()
    assert not late, late[:5]
