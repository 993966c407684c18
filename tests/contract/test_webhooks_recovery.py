"""The outbox when the control plane is killed, and when patience is at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support import server_admin
from support.control_plane import ControlPlane, create_database, delete_all, new_key, wait_until
from support.receiver import Receiver


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("hooks") / "data"
    with ControlPlane("--data-dir", str(directory), "--rate-limit", "0", "--pool-size", "0") as plane:
        yield plane


def execute(plane: ControlPlane, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What it returns in the control plane's own tables; nothing is a list as well."""
    with server_admin.connect(plane) as conn:
        cursor = conn.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []


def create(client: httpx.Client, url: str, *events: str) -> dict[str, Any]:
    reply = client.post("/webhook_endpoints", json={"url": url, "events": list(events)}, headers=new_key())
    body: dict[str, Any] = reply.raise_for_status().json()
    return body


def the_delivery(client: httpx.Client, endpoint: int, status: str) -> dict[str, Any]:
    """The endpoint's only delivery, once it has that status."""

    def look() -> list[dict[str, Any]]:
        (delivery,) = client.get(f"/webhook_endpoints/{endpoint}/deliveries").json()["data"]
        return [delivery] if delivery["status"] == status else []

    found: dict[str, Any] = wait_until(look)[0]
    return found


def test_a_delivery_survives_a_kill_in_the_middle(plane: ControlPlane, client: httpx.Client) -> None:
    with Receiver() as receiver:
        made = create(client, receiver.url, "database.deleted")
        receiver.gate.clear()
        delete_all(client, [create_database(client, "killed")["uuid"]])
        receiver.wait_for(1)
        plane.kill()
        receiver.gate.set()
        plane.restart()
        # Sooner than the lease of 30 seconds: the dead process is known to be dead.
        first, second = receiver.wait_for(2, seconds=20)
        assert first.body == second.body
        assert first.headers["X-Polykomos-Delivery"] == second.headers["X-Polykomos-Delivery"]
        assert second.is_signed_with(made["secret"])
        done = the_delivery(client, made["data"]["id"], "delivered")
    assert done["attempt_count"] == 2


def test_what_was_queued_before_a_stop_is_sent_after_it(plane: ControlPlane, client: httpx.Client) -> None:
    with Receiver([500, 204]) as receiver:
        made = create(client, receiver.url, "database.deleted")
        delete_all(client, [create_database(client, "stopped")["uuid"]])
        the_delivery(client, made["data"]["id"], "pending")
        receiver.wait_for(1)
        assert plane.stop() == 0
        plane.restart()
        receiver.wait_for(2)
        the_delivery(client, made["data"]["id"], "delivered")


@pytest.mark.facts("webhooks:retries")
def test_the_sixth_failure_is_the_last(plane: ControlPlane, client: httpx.Client) -> None:
    with Receiver([500]) as receiver:
        number = create(client, receiver.url, "database.deleted")["data"]["id"]
        delete_all(client, [create_database(client, "hopeless")["uuid"]])
        receiver.wait_for(1)
        wait_until(lambda: the_delivery(client, number, "pending")["response_code"])
        # As though four more had failed and the ten minutes were over.
        execute(
            plane,
            "UPDATE webhook_deliveries SET attempt_count = 5, not_before = now() WHERE endpoint_id = %s",
            number,
        )
        failed = the_delivery(client, number, "failed")
        assert failed["attempt_count"] == 6
        assert failed["response_code"] == 500
        assert len(receiver.received) <= 3


def test_the_fifth_failure_is_not(plane: ControlPlane, client: httpx.Client) -> None:
    with Receiver([500]) as receiver:
        number = create(client, receiver.url, "database.deleted")["data"]["id"]
        delete_all(client, [create_database(client, "patient")["uuid"]])
        receiver.wait_for(1)
        wait_until(lambda: the_delivery(client, number, "pending")["response_code"])
        execute(
            plane,
            "UPDATE webhook_deliveries SET attempt_count = 4, not_before = now() WHERE endpoint_id = %s",
            number,
        )
        query = (
            "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s AND attempt_count = 5 AND owner IS NULL"
            " AND not_before BETWEEN now() + interval '9 minutes' AND now() + interval '10 minutes'"
        )
        wait_until(lambda: execute(plane, query, number) == [(1,)])
        assert the_delivery(client, number, "pending")["attempt_count"] == 5


def test_a_revocation_ends_what_waits_at_once(plane: ControlPlane, client: httpx.Client) -> None:
    with Receiver([500]) as receiver:
        number = create(client, receiver.url, "database.deleted")["data"]["id"]
        delete_all(client, [create_database(client, "ended")["uuid"]])
        receiver.wait_for(1)
        wait_until(lambda: the_delivery(client, number, "pending")["response_code"])
        query = "UPDATE webhook_deliveries SET not_before = now() + interval '1 hour' WHERE endpoint_id = %s"
        execute(plane, query + " AND owner IS NULL", number)
        client.delete(f"/webhook_endpoints/{number}", headers=new_key()).raise_for_status()
        failed = the_delivery(client, number, "failed")
        assert failed["error_message"] == "The endpoint was revoked."
        assert failed["attempt_count"] == len(receiver.received)


def test_no_secret_in_the_log(plane: ControlPlane, client: httpx.Client) -> None:
    made = create(client, "http://127.0.0.1:1/hook?token=hush")
    client.post(f"/webhook_endpoints/{made['data']['id']}/test_deliveries").raise_for_status()
    assert "delivery attempted" in plane.log_text
    assert "whsec_" not in plane.log_text
    assert "hush" not in plane.log_text
