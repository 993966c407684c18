"""Webhook endpoints and their deliveries, with a receiver that really listens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import OTHER_KEY, ControlPlane, create_database, delete_all, new_key, wait_until
from support.operations import error_of
from support.receiver import Receiver

PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def made(api: httpx.Client) -> Iterator[list[int]]:
    """Ids of endpoints that are revoked in the end."""
    ids: list[int] = []
    yield ids
    for number in ids:
        revoke(api, number)


def create(api: httpx.Client, made: list[int], url: str, *events: str) -> dict[str, Any]:
    """The whole reply."""
    reply = api.post("/webhook_endpoints", json={"url": url, "events": list(events)}, headers=new_key())
    assert reply.status_code == 201, reply.text
    body: dict[str, Any] = reply.json()
    made.append(body["data"]["id"])
    return body


def revoke(api: httpx.Client, number: int) -> httpx.Response:
    return api.delete(f"/webhook_endpoints/{number}", headers=new_key())


def ping(api: httpx.Client, number: int) -> httpx.Response:
    return api.post(f"/webhook_endpoints/{number}/test_deliveries")


def listed(api: httpx.Client, number: int) -> dict[str, Any]:
    page = api.get("/webhook_endpoints", params={"limit": 100}).json()["data"]
    (found,) = [endpoint for endpoint in page if endpoint["id"] == number]
    return found


def deliveries(api: httpx.Client, number: int, **params: Any) -> list[dict[str, Any]]:
    reply = api.get(f"/webhook_endpoints/{number}/deliveries", params=params)
    assert reply.status_code == 200, reply.text
    data: list[dict[str, Any]] = reply.json()["data"]
    return data


@pytest.mark.facts("C6", "C8", "webhooks:secret-once")
def test_the_secret_is_shown_once_beside_the_data(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    body = create(api, made, receiver.url, "database.deleted")
    data = body["data"]
    assert body["message"] == "Webhook endpoint created."
    assert body["secret"].startswith("whsec_")
    assert PLAIN_TIME.fullmatch(data.pop("created_at"))
    number = data.pop("id")
    assert data == {
        "object": "webhook_endpoint",
        "url": receiver.url,
        "events": ["database.deleted"],
        "status": "active",
        "last_success_at": None,
        "last_failure_at": None,
    }
    everywhere = api.get("/webhook_endpoints").text + str(deliveries(api, number)) + ping(api, number).text
    assert body["secret"] not in everywhere


def test_a_replay_makes_no_second_endpoint(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    key = new_key()
    first = api.post("/webhook_endpoints", json={"url": receiver.url}, headers=key).json()
    made.append(first["data"]["id"])
    second = api.post("/webhook_endpoints", json={"url": receiver.url}, headers=key).json()
    assert second["idempotency_replay"] is True
    assert (second["data"], second["secret"]) == (first["data"], first["secret"])


@pytest.mark.facts("C7", "C8", "webhooks:ping", "webhooks:body", "webhooks:headers", "webhooks:signature")
def test_a_ping_is_delivered_during_the_call(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    body = create(api, made, receiver.url, "database.deleted")
    number = body["data"]["id"]
    reply = ping(api, number)
    assert reply.status_code == 200
    delivery = reply.json()["data"]
    assert PLAIN_TIME.fullmatch(delivery["created_at"])
    assert delivery == {
        "object": "webhook_delivery",
        "id": delivery["id"],
        "endpoint_id": number,
        "event_type": "ping",
        "status": "delivered",
        "response_code": 204,
        "error_message": None,
        "attempt_count": 1,
        "created_at": delivery["created_at"],
    }
    (request,) = receiver.received
    assert request.is_signed_with(body["secret"])
    assert not request.is_signed_with(body["secret"].removeprefix("whsec_"))
    assert request.headers["X-Polykomos-Event"] == "ping"
    assert request.headers["X-Polykomos-Delivery"] == str(delivery["id"])
    assert request.headers["Content-Type"] == "application/json"
    assert request.content["event"] == "ping"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", request.content["timestamp"])
    assert request.content["data"] == {"object": "webhook_endpoint", "id": number}
    assert deliveries(api, number) == [delivery]
    found = listed(api, number)
    assert PLAIN_TIME.fullmatch(found["last_success_at"])
    assert found["last_failure_at"] is None


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_ping_that_fails_is_an_answer(api: httpx.Client, made: list[int], status: int) -> None:
    with Receiver([status]) as receiver:
        number = create(api, made, receiver.url)["data"]["id"]
        delivery = ping(api, number).json()["data"]
        assert len(receiver.received) == 1
    assert (delivery["status"], delivery["response_code"], delivery["attempt_count"]) == ("failed", status, 1)
    assert str(status) in delivery["error_message"]
    found = listed(api, number)
    assert found["last_success_at"] is None
    assert PLAIN_TIME.fullmatch(found["last_failure_at"])


def test_a_ping_to_nobody(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    number = create(api, made, "http://127.0.0.1:1/hook")["data"]["id"]
    delivery = ping(api, number).json()["data"]
    assert (delivery["status"], delivery["response_code"]) == ("failed", None)
    assert delivery["error_message"]


@pytest.mark.facts("webhooks:events", "webhooks:signature", "webhooks:no-password", "webhooks:body", "S7")
def test_the_events_of_a_databases_life(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    secret = create(api, made, receiver.url)["secret"]
    with Receiver() as picky:
        create(api, made, picky.url, "database.deleted")
        database = create_database(api, "told-of")
        try:
            wait_until(lambda: "database.provisioned" in [request.content["event"] for request in receiver.received])
        finally:
            delete_all(api, [database["uuid"]])
        (gone,) = picky.wait_for(1)
    wait_until(lambda: receiver.received[-1].content["event"] == "database.deleted")
    events = [request.content["event"] for request in receiver.received]
    assert events in (
        ["database.provisioned", "database.deleted"],  # from the pool
        ["database.provisioning_started", "database.provisioned", "database.deleted"],
    )
    assert gone.content["event"] == "database.deleted"
    for request in receiver.received:
        assert request.is_signed_with(secret)
        assert request.headers["X-Polykomos-Event"] == request.content["event"]
        assert request.content["data"]["uuid"] == database["uuid"]
        assert request.content["data"]["object"] == "database"
        assert database["db_password"] not in request.body.decode()
        assert "db_password" not in request.content["data"]
    assert receiver.received[-1].content["data"]["status"] == "deleted"


def test_strangers_hear_nothing(control_plane: ControlPlane, api: httpx.Client, made: list[int]) -> None:
    with control_plane.client(OTHER_KEY) as other, Receiver() as theirs, Receiver() as ours:
        foreign = create(other, [], theirs.url)["data"]["id"]
        create(api, made, ours.url)
        try:
            delete_all(api, [create_database(api, "private")["uuid"]])
            ours.wait_for(2)
            assert deliveries(other, foreign) == []
            assert theirs.received == []
            for reply in (
                ping(api, foreign),
                revoke(api, foreign),
                api.get(f"/webhook_endpoints/{foreign}/deliveries"),
            ):
                assert reply.status_code == 404
                assert reply.json()["error"]["details"] == {"resource": "webhook_endpoint"}
        finally:
            revoke(other, foreign)


def test_a_failed_creation_emits_nothing(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    number = create(api, made, receiver.url)["data"]["id"]
    refused = api.post(
        "/databases",
        json={"name": "never", "blueprint_uuid": "00000000-0000-4000-8000-000000000000"},
        headers=new_key(),
    )
    assert refused.status_code == 422
    assert deliveries(api, number) == []


@pytest.mark.facts("webhooks:retries")
def test_a_failing_endpoint_is_tried_again(api: httpx.Client, made: list[int]) -> None:
    with Receiver([500, 503, 200]) as receiver:
        number = create(api, made, receiver.url, "database.deleted")["data"]["id"]
        delete_all(api, [create_database(api, "again")["uuid"]])
        receiver.wait_for(1)
        (waiting,) = wait_until(lambda: [d for d in deliveries(api, number) if d["response_code"]])
        assert (waiting["status"], waiting["response_code"]) == ("pending", 500)
        first, second, third = receiver.wait_for(3)
        assert first.body == second.body == third.body
        assert {r.headers["X-Polykomos-Delivery"] for r in (first, second, third)} == {str(waiting["id"])}
        (done,) = wait_until(lambda: [d for d in deliveries(api, number) if d["status"] == "delivered"])
    assert (done["attempt_count"], done["response_code"], done["error_message"]) == (3, 200, None)
    found = listed(api, number)
    assert found["last_success_at"] >= found["last_failure_at"]


@pytest.mark.facts("S29")
def test_a_revoked_endpoint_stays_and_is_silent(api: httpx.Client, made: list[int]) -> None:
    with Receiver([500]) as receiver:
        number = create(api, made, receiver.url)["data"]["id"]
        delete_all(api, [create_database(api, "silent")["uuid"]])
        receiver.wait_for(2)
        reply = revoke(api, number)
        assert reply.status_code == 200
        assert reply.json()["data"] == {"id": number}
        assert reply.json()["message"] == "Webhook endpoint revoked."
        assert revoke(api, number).status_code == 200
        assert listed(api, number)["status"] == "revoked"
        wait_until(lambda: all(d["status"] == "failed" for d in deliveries(api, number)))
        assert {d["error_message"] for d in deliveries(api, number)} == {"The endpoint was revoked."}
        count, kept = len(receiver.received), len(deliveries(api, number))
        with Receiver() as witness:
            create(api, made, witness.url)
            delete_all(api, [create_database(api, "silent")["uuid"]])
            witness.wait_for(2)
        assert len(receiver.received) == count
        assert len(deliveries(api, number)) == kept
        refused = ping(api, number)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "webhook_endpoint_revoked")


def test_an_endpoint_that_hangs_does_not_hold_up_another(api: httpx.Client, made: list[int]) -> None:
    with Receiver() as hanging, Receiver() as healthy:
        hanging.gate.clear()
        create(api, made, hanging.url, "database.provisioned", "database.deleted")
        create(api, made, healthy.url, "database.provisioned", "database.deleted")
        delete_all(api, [create_database(api, "held")["uuid"]])
        healthy.wait_for(2, seconds=8)  # the hanging one is given up after 10
        assert len(hanging.received) == 1  # an endpoint gets one at a time


@pytest.mark.facts("webhooks:order")
def test_events_arrive_in_order_though_the_first_fails(api: httpx.Client, made: list[int]) -> None:
    with Receiver([500, 500, 200]) as receiver:
        number = create(api, made, receiver.url)["data"]["id"]
        database = create_database(api, "ordered")
        delete_all(api, [database["uuid"]])
        receiver.wait_for(1)
        assert ping(api, number).json()["data"]["event_type"] == "ping", "a ping waits for nobody"
        wait_until(
            lambda: all(d["status"] == "delivered" for d in deliveries(api, number) if d["event_type"] != "ping")
        )
    events = [r.content["event"] for r in receiver.received if r.content["event"] != "ping"]
    # From the pool or not: the first event, again and again until it is taken, then the others in turn.
    life = ["database.provisioning_started", "database.provisioned", "database.deleted"]
    assert list(dict.fromkeys(events)) in (life, life[1:])
    assert events[-1] == "database.deleted"
    assert events.count("database.deleted") == 1


def test_without_loopback_nothing_is_sent_here() -> None:
    with ControlPlane("--ephemeral", "--pool-size", "0", "--no-loopback-webhooks") as plane, plane.client() as client:
        for url in ("http://127.0.0.1:9/x", "https://localhost/x"):
            reply = client.post("/webhook_endpoints", json={"url": url}, headers=new_key())
            assert error_of(reply, 422, "invalid_field")["field"] == "url"


@pytest.mark.facts("pagination:integer-cursor")
def test_deliveries_in_pages(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    number = create(api, made, receiver.url)["data"]["id"]
    other = create(api, made, receiver.url)["data"]["id"]
    foreign = ping(api, other).json()["data"]["id"]
    ids = [ping(api, number).json()["data"]["id"] for _ in range(5)]
    path = f"/webhook_endpoints/{number}/deliveries"
    seen: list[int] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = api.get(path, params=params).json()
        seen += [delivery["id"] for delivery in page["data"]]
        if not page["has_more"]:
            break
        params["starting_after"] = seen[-1]
    assert seen == ids[::-1]
    for cursor in (foreign, "x", "-1", "9" * 18, "9" * 40, "1.0", ""):
        refused = api.get(path, params={"starting_after": cursor})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_cursor"), cursor


@pytest.mark.facts("pagination:integer-cursor")
def test_endpoints_in_pages(api: httpx.Client, made: list[int], receiver: Receiver) -> None:
    ids = [create(api, made, receiver.url)["data"]["id"] for _ in range(3)]
    first = api.get("/webhook_endpoints", params={"limit": 2}).json()
    assert [endpoint["id"] for endpoint in first["data"]] == [ids[2], ids[1]]
    assert first["has_more"] is True
    second = api.get("/webhook_endpoints", params={"limit": 1, "starting_after": ids[1]}).json()
    assert [endpoint["id"] for endpoint in second["data"]] == [ids[0]]
    refused = api.get("/webhook_endpoints", params={"starting_after": "999999999"})
    assert refused.json()["error"]["code"] == "invalid_cursor"
