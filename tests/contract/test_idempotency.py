"""Idempotency-Key on the eight operations that take it (api-facts "Idempotency", C9, C11)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from controlplane.db.pool import Connection, make_pool
from controlplane.http import idempotency, transaction
from controlplane.http.errors import not_found
from support import server_admin
from support.control_plane import (
    NO_SCOPE_KEY,
    OTHER_KEY,
    SCOPE_KEYS,
    ControlPlane,
    create_database,
    delete_all,
    new_key,
)
from support.operations import (
    BY_NAME,
    IDEMPOTENT,
    OPERATIONS,
    Operation,
    check_envelope,
    error_of,
    everything,
    revoke_endpoints,
)

# Another payload of the same operation; DELETE has none, so the object is another.
OTHER_BODIES: dict[str, dict[str, Any]] = {
    "createDatabase": {"name": "other"},
    "updateDatabase": {"name": "other"},
    "updateDatabaseQuotas": {"warning_threshold_pct": 71},
    "createDatabaseBlueprintApplication": {"dry_run": True},
    "createWebhookEndpoint": {"url": "http://127.0.0.1:9/other"},
    "createBlueprint": {"name": "Other", "sql_content": "SELECT 2"},
}


class Case:
    """An operation with an object to work on, made for it."""

    def __init__(self, api: httpx.Client, operation: Operation) -> None:
        self.api = api
        self.operation = operation
        self.target: Any = None
        self.body = operation.body
        if operation.path.startswith("/databases/{uuid}"):
            self.target = create_database(api, "replayed")["uuid"]
        if operation.path.startswith("/webhook_endpoints/{id}"):
            self.target = BY_NAME["createWebhookEndpoint"].call(api).json()["data"]["id"]
        if operation.name == "createDatabaseBlueprintApplication":
            made = BY_NAME["createBlueprint"].call(api, json={"name": "R", "sql_content": "CREATE TABLE once (i int)"})
            self.body = {"blueprint_uuid": made.json()["data"]["uuid"]}

    def send(self, key: str, client: httpx.Client | None = None, **options: Any) -> httpx.Response:
        if self.body is not None and "content" not in options:
            options.setdefault("json", self.body)
        return self.operation.call(client or self.api, self.target, headers={"Idempotency-Key": key}, **options)


@pytest.fixture
def case(api: httpx.Client, operation: Operation) -> Iterator[Case]:
    before = {item["uuid"] for item in everything(api)["/databases"]}
    yield Case(api, operation)
    delete_all(api, [item["uuid"] for item in everything(api)["/databases"] if item["uuid"] not in before])
    if "Webhook" in operation.name:
        revoke_endpoints(api)


every_keyed = pytest.mark.parametrize("operation", IDEMPOTENT, ids=str)


def fresh() -> str:
    return str(uuid.uuid4())


def without_marks(reply: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = reply.json()
    return {name: value for name, value in body.items() if name not in ("request_id", "idempotency_replay")}


def assert_replay(first: httpx.Response, second: httpx.Response) -> None:
    check_envelope(second)
    assert second.status_code == first.status_code
    assert "idempotency_replay" not in first.json()
    assert second.json()["idempotency_replay"] is True
    assert second.json()["request_id"] != first.json()["request_id"]
    assert without_marks(second) == without_marks(first)


@pytest.mark.facts("idempotency:replay", "C10")
@every_keyed
def test_the_same_call_again_is_answered_from_memory(case: Case) -> None:
    key = fresh()
    first = case.send(key)
    assert first.is_success, first.text
    after = everything(case.api)
    for _ in range(2):
        assert_replay(first, case.send(key))
    assert len(everything(case.api)["/databases"]) == len(after["/databases"])
    assert everything(case.api)["/blueprints"] == after["/blueprints"]


@pytest.mark.facts("idempotency:payload")
@pytest.mark.parametrize("operation", [o for o in IDEMPOTENT if o.body], ids=str)
def test_the_same_payload_written_otherwise_is_the_same(case: Case) -> None:
    assert case.body is not None
    key = fresh()
    first = case.send(key)
    pairs = [f' "{name}" :\n {json.dumps(value)}' for name, value in reversed(case.body.items())]
    assert_replay(first, case.send(key, content="{" + ",".join(pairs) + "}"))


@pytest.mark.facts("idempotency:conflict", "errors:409")
@every_keyed
def test_another_payload_under_the_same_key_is_a_conflict(case: Case) -> None:
    key = fresh()
    first = case.send(key)
    after = everything(case.api)
    if case.body is None:
        second = Case(case.api, case.operation).send(key)
        assert second.status_code == 409, second.text
        assert second.json()["error"]["code"] == "idempotency_key_conflict"
    else:
        other = {**case.body, **OTHER_BODIES[case.operation.name]}
        error_of(case.send(key, json=other), 409, "idempotency_key_conflict")
        assert {item["uuid"] for item in everything(case.api)["/databases"]} == {
            item["uuid"] for item in after["/databases"]
        }
    assert_replay(first, case.send(key))


@pytest.mark.facts("idempotency:in-progress")
@every_keyed
def test_equal_calls_at_the_same_time_act_once(case: Case) -> None:
    key = fresh()
    before = everything(case.api)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: case.send(key), range(8)))
    acted = [reply for reply in replies if reply.is_success and "idempotency_replay" not in reply.json()]
    assert len(acted) == 1, [reply.text for reply in replies]
    for reply in replies:
        if not reply.is_success:
            error_of(reply, 409, "idempotency_key_in_progress")
    assert_replay(acted[0], case.send(key))
    for path, items in everything(case.api).items():
        assert abs(len(items) - len(before[path])) <= 1


@pytest.mark.facts("idempotency:required", "C10")
@every_keyed
def test_without_a_key_nothing_happens(case: Case) -> None:
    before = everything(case.api)
    for headers in ({}, {"Idempotency-Key": ""}):
        options: dict[str, Any] = {} if case.body is None else {"json": case.body}
        operation = case.operation
        reply = case.api.request(operation.method, operation.url(case.target), headers=headers, **options)
        assert error_of(reply, 422, "missing_required_field")["field"] == "Idempotency-Key"
    assert everything(case.api) == before


@pytest.mark.facts("idempotency:length", "C9")
@pytest.mark.parametrize("key", [b"k" * 256, b"\xc3\xa9", b"a\tb"])
def test_a_bad_key_is_refused(api: httpx.Client, key: bytes) -> None:
    before = everything(api)
    reply = api.post("/databases", json={"name": "x"}, headers={b"Idempotency-Key": key})
    assert error_of(reply, 422, "invalid_field")["field"] == "Idempotency-Key"
    assert everything(api) == before


@pytest.mark.facts("C9", "idempotency:length")
@pytest.mark.parametrize("key", ["k", "k" * 255, "0" * 32, "a key: with, some; marks!"])
def test_any_printable_key_will_do(api: httpx.Client, key: str) -> None:
    """C9."""
    first = api.post("/blueprints", json={"name": "K", "sql_content": "SELECT 1"}, headers={"Idempotency-Key": key})
    assert first.status_code == 201, first.text
    assert api.delete(f"/blueprints/{first.json()['data']['uuid']}").status_code == 200


@pytest.mark.facts("C10")
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if not o.idempotent and o.method != "GET"], ids=str)
def test_elsewhere_the_header_means_nothing(api: httpx.Client, operation: Operation) -> None:
    replies = [operation.call(api, headers={"Idempotency-Key": "ignored"}) for _ in range(2)]
    assert replies[0].status_code == replies[1].status_code
    assert "idempotency_replay" not in replies[1].json()


@pytest.mark.facts("idempotency:scope")
def test_keys_of_different_api_keys_do_not_meet(control_plane: ControlPlane, api: httpx.Client) -> None:
    key = {"Idempotency-Key": fresh()}
    create = BY_NAME["createBlueprint"]
    mine = create.call(api, headers=key)
    for other in (OTHER_KEY, SCOPE_KEYS["blueprints:write"]):
        with control_plane.client(other) as client:
            reply = create.call(client, headers=key)
            assert reply.status_code == 201, reply.text
            assert "idempotency_replay" not in reply.json()
            assert reply.json()["data"]["uuid"] != mine.json()["data"]["uuid"]


@pytest.mark.facts("idempotency:payload")
def test_the_key_covers_path_and_query(api: httpx.Client) -> None:
    key = {"Idempotency-Key": fresh()}
    made = BY_NAME["createDatabase"].call(api, headers=key, params={"wait": "true"}).json()["data"]["uuid"]
    error_of(BY_NAME["createDatabase"].call(api, headers=key), 409, "idempotency_key_conflict")
    error_of(BY_NAME["updateDatabase"].call(api, made, headers=key), 409, "idempotency_key_conflict")
    error_of(BY_NAME["createBlueprint"].call(api, headers=key), 409, "idempotency_key_conflict")
    delete_all(api, [made])


@pytest.mark.facts("C11")
def test_the_reply_to_a_valid_call_is_stored_even_if_it_is_an_error(api: httpx.Client) -> None:
    """C11."""
    headers = new_key()
    first = BY_NAME["deleteDatabase"].call(api, headers=headers)
    error_of(first, 404, "not_found")
    second = BY_NAME["deleteDatabase"].call(api, headers=headers)
    assert second.status_code == 404
    assert second.json()["idempotency_replay"] is True
    assert second.json()["error"] == first.json()["error"]
    other = BY_NAME["deleteDatabase"].call(api, str(uuid.uuid4()), headers=headers)
    error_of(other, 409, "idempotency_key_conflict")


@pytest.mark.facts("C11")
def test_a_call_that_failed_validation_can_be_corrected_under_its_key(api: httpx.Client) -> None:
    headers = new_key()
    error_of(BY_NAME["createBlueprint"].call(api, json={"name": "B"}, headers=headers), 422, "missing_required_field")
    reply = BY_NAME["createBlueprint"].call(api, headers=headers)
    assert reply.status_code == 201, reply.text
    assert "idempotency_replay" not in reply.json()


@pytest.mark.facts("C11")
def test_a_refusal_for_other_reasons_leaves_the_key_unused(control_plane: ControlPlane, api: httpx.Client) -> None:
    create, headers = BY_NAME["createBlueprint"], new_key()
    with control_plane.client(NO_SCOPE_KEY) as client:
        error_of(create.call(client, headers=headers), 403, "insufficient_scope")
    error_of(create.call(api, headers=headers, content="{"), 400, "invalid_json")
    reply = create.call(api, headers=headers)
    assert reply.status_code == 201, reply.text
    assert "idempotency_replay" not in reply.json()


@pytest.mark.facts("C11")
def test_a_refusal_gives_way_to_a_call_that_took_the_key_meanwhile(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the handler did is undone before its refusal is kept. One key still has one answer."""
    key, now = idempotency.Key(1, fresh(), b"payload"), datetime.now(UTC)
    claim, claims = idempotency.claim, []

    async def interrupted(conn: Connection, *of: Any) -> Any:
        claims.append(of)
        if len(claims) == 2:
            async with pool.connection() as other:
                await idempotency.store(other, key, 201, {"data": "theirs"}, pending_owner=None, now=now)
        return await claim(conn, *of)

    async def handler(_call: Any) -> Any:
        raise not_found("database")

    async def whole() -> None:
        async with pool, pool.connection() as conn:
            operation = SimpleNamespace(method="DELETE", handler=handler)
            call: Any = SimpleNamespace(conn=conn, now=now, operation=operation)
            reply = await transaction.run_in_transaction(call, key)
        assert (reply.status, reply.body) == (201, {"data": "theirs", "idempotency_replay": True})

    monkeypatch.setattr(idempotency, "claim", interrupted)
    pool = make_pool(server_admin.url(control_plane))
    asyncio.run(whole())


@pytest.mark.facts("S5")
def test_a_delete_replayed_is_the_same_delete_and_a_new_one_404(api: httpx.Client) -> None:
    """S5."""
    made, headers = create_database(api, "deleted")["uuid"], new_key()
    first = BY_NAME["deleteDatabase"].call(api, made, headers=headers)
    assert_replay(first, BY_NAME["deleteDatabase"].call(api, made, headers=headers))
    error_of(BY_NAME["deleteDatabase"].call(api, made), 404, "not_found")


def test_stored_replies_survive_a_kill(tmp_path: Path) -> None:
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "1") as plane:
        with plane.client() as api:
            cases = [(Case(api, operation), fresh()) for operation in IDEMPOTENT]
            firsts = [case.send(key) for case, key in cases]
        plane.kill()
        plane.restart()
        with plane.client() as api:
            before = {path: len(items) for path, items in everything(api).items()}
            for (case, key), first in zip(cases, firsts, strict=True):
                assert_replay(first, case.send(key, api))
            assert {path: len(items) for path, items in everything(api).items()} == before
