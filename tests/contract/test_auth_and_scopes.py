"""Who may call what: 401, 403, 404, 405 and the order of the checks (api-facts "Errors", "Scopes", S34, S35, S40)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support import parity
from support.control_plane import (
    NO_SCOPE_KEY,
    OTHER_KEY,
    SCOPE_KEYS,
    WILDCARD_KEY,
    ControlPlane,
    create_database,
    delete_all,
    new_key,
)
from support.operations import BY_NAME, OPERATIONS, Operation, check_envelope, error_of, everything

SCOPED = [operation for operation in OPERATIONS if operation.scopes]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def stranger(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with control_plane.client(OTHER_KEY) as client:
        yield client


@pytest.fixture(scope="module")
def database(control_plane: ControlPlane) -> Iterator[dict[str, Any]]:
    with control_plane.client() as client:
        made = create_database(client, "examined")
        yield made
        delete_all(client, [made["uuid"]])


def anonymous(plane: ControlPlane, value: str | None) -> httpx.Client:
    headers = {} if value is None else {"Authorization": value}
    return httpx.Client(
        base_url=plane.base_url, headers=headers, trust_env=False, timeout=30, event_hooks=parity.hooks()
    )


@pytest.mark.facts("transport:bearer", "errors:401", "C14")
@every_operation
def test_nobody_enters_without_the_header(control_plane: ControlPlane, operation: Operation) -> None:
    with anonymous(control_plane, None) as client:
        error_of(operation.call(client), 401, "missing_authorization")


@pytest.mark.facts("errors:401")
@pytest.mark.parametrize("value", ["Basic cGs6", "Bearer", "pk_live_x", "Bearer a b"])
def test_a_malformed_header_is_401(control_plane: ControlPlane, value: str) -> None:
    with anonymous(control_plane, value) as client:
        error_of(client.get("/me"), 401, "malformed_authorization")


@pytest.mark.facts("C13", "errors:403", "C14")
@every_operation
def test_an_unknown_key_is_403(control_plane: ControlPlane, operation: Operation) -> None:
    with control_plane.client("pk_live_nobody_has_this_0000") as client:
        error_of(operation.call(client), 403, "invalid_api_key")


def test_an_almost_right_key_is_403(control_plane: ControlPlane) -> None:
    for key in (control_plane.api_key[:-1], control_plane.api_key + "0", control_plane.api_key.upper()):
        with control_plane.client(key) as client:
            assert client.get("/me").status_code in (401, 403)


def test_the_scheme_is_case_insensitive(control_plane: ControlPlane) -> None:
    with anonymous(control_plane, f"bearer {control_plane.api_key}") as client:
        assert client.get("/me").status_code == 200


@pytest.mark.facts("scopes:me", "scopes:each", "C15", "errors:403")
@every_operation
def test_a_key_without_scopes_may_only_ask_who_it_is(control_plane: ControlPlane, operation: Operation) -> None:
    with control_plane.client(NO_SCOPE_KEY) as client:
        reply = operation.call(client)
    if operation.name == "getMe":
        assert reply.status_code == 200
        assert reply.json()["data"]["api_key"]["permissions"] == []
    else:
        details = error_of(reply, 403, "insufficient_scope")
        assert sorted(details["required_scopes"]) == sorted(operation.scopes)


@pytest.mark.facts("scopes:each", "scopes:two", "C15")
@pytest.mark.parametrize("scope", SCOPE_KEYS)
def test_one_scope_opens_exactly_its_operations(control_plane: ControlPlane, api: httpx.Client, scope: str) -> None:
    before = everything(api)
    with control_plane.client(SCOPE_KEYS[scope]) as client:
        for operation in SCOPED:
            # An empty object: refused by its fields or its id, after the scope was looked at; nothing is made.
            reply = operation.call(client, **({"json": {}} if operation.body else {}))
            if set(operation.scopes) == {scope}:
                assert reply.status_code in (200, 404, 422), (operation, reply.text)
            else:
                error_of(reply, 403, "insufficient_scope")
    assert everything(api) == before


@pytest.mark.facts("scopes:wildcard")
@pytest.mark.parametrize("name", ["listDatabases", "getDatabaseTypes", "getDatabase", "updateDatabase"])
def test_the_wildcard_grants_reading_and_writing_of_databases(
    control_plane: ControlPlane, database: dict[str, Any], name: str
) -> None:
    with control_plane.client(WILDCARD_KEY) as client:
        assert BY_NAME[name].call(client, database["uuid"]).status_code == 200


@pytest.mark.facts("scopes:wildcard", "scopes:two")
def test_the_wildcard_grants_no_more(control_plane: ControlPlane, database: dict[str, Any]) -> None:
    with control_plane.client(WILDCARD_KEY) as client:
        reply = BY_NAME["createDatabaseBlueprintApplication"].call(client, database["uuid"])
        error_of(reply, 403, "insufficient_scope")
        error_of(client.get("/blueprints"), 403, "insufficient_scope")


@pytest.mark.facts("C2")
def test_a_blueprint_at_creation_needs_the_scope_to_read_it(control_plane: ControlPlane, api: httpx.Client) -> None:
    """C2."""
    before = everything(api)
    body = {"name": "with-blueprint", "blueprint_uuid": api.get("/blueprints").json()["data"][0]["uuid"]}
    with control_plane.client(WILDCARD_KEY) as client:
        reply = client.post("/databases", json=body, headers=new_key())
    error_of(reply, 403, "insufficient_scope")
    assert everything(api) == before


@pytest.mark.facts("S34")
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.path.startswith("/databases/{uuid}")], ids=str)
def test_a_stranger_finds_no_database_of_ours(
    api: httpx.Client, stranger: httpx.Client, database: dict[str, Any], operation: Operation
) -> None:
    before = everything(api)
    assert error_of(operation.call(stranger, database["uuid"]), 404, "not_found")["resource"] == "database"
    assert everything(api) == before
    assert database["uuid"] not in {item["uuid"] for item in everything(stranger)["/databases"]}


@pytest.mark.facts("S34")
def test_a_stranger_finds_no_blueprint_and_no_application_of_ours(
    api: httpx.Client, stranger: httpx.Client, database: dict[str, Any]
) -> None:
    blueprint = BY_NAME["createBlueprint"].call(api).json()["data"]
    applied = BY_NAME["createDatabaseBlueprintApplication"].call(
        api, database["uuid"], json={"blueprint_uuid": blueprint["uuid"], "dry_run": True}
    )
    assert applied.status_code == 200, applied.text
    before = everything(api)
    for name in ("getBlueprint", "updateBlueprint", "deleteBlueprint"):
        error_of(BY_NAME[name].call(stranger, blueprint["uuid"]), 404, "not_found")
    error_of(BY_NAME["getBlueprintApplication"].call(stranger, applied.json()["data"]["id"]), 404, "not_found")
    assert everything(api) == before
    assert BY_NAME["deleteBlueprint"].call(api, blueprint["uuid"]).status_code == 200


def test_a_stranger_cannot_apply_our_blueprint_to_a_database_of_theirs(
    api: httpx.Client, stranger: httpx.Client
) -> None:
    blueprint = BY_NAME["createBlueprint"].call(api).json()["data"]
    theirs = create_database(stranger, "theirs")
    reply = BY_NAME["createDatabaseBlueprintApplication"].call(
        stranger, theirs["uuid"], json={"blueprint_uuid": blueprint["uuid"]}
    )
    assert reply.status_code in (404, 422), reply.text
    made = stranger.post("/databases", json={"name": "x", "blueprint_uuid": blueprint["uuid"]}, headers=new_key())
    assert made.status_code in (404, 422), made.text
    assert [item["uuid"] for item in everything(stranger)["/databases"]] == [theirs["uuid"]]
    delete_all(stranger, [theirs["uuid"]])
    BY_NAME["deleteBlueprint"].call(api, blueprint["uuid"])


@pytest.mark.facts("S34")
def test_a_stranger_finds_no_endpoint_of_ours(api: httpx.Client, stranger: httpx.Client) -> None:
    endpoint = BY_NAME["createWebhookEndpoint"].call(api).json()["data"]["id"]
    before = everything(api)
    for name in ("revokeWebhookEndpoint", "createWebhookTestDelivery", "listWebhookDeliveries"):
        error_of(BY_NAME[name].call(stranger, endpoint), 404, "not_found")
    assert everything(api) == before
    assert endpoint not in {item["id"] for item in everything(stranger)["/webhook_endpoints"]}
    BY_NAME["revokeWebhookEndpoint"].call(api, endpoint)


@pytest.mark.facts("S10")
def test_a_key_may_create_in_its_users_teams_only(api: httpx.Client, stranger: httpx.Client) -> None:
    team = create_database(stranger, "team-finder")
    before = everything(api)
    reply = api.post("/databases", json={"name": "x", "team_id": team["team_id"]}, headers=new_key())
    # S10: 403 for a team of others; 422 would be for one that is not there at all.
    assert reply.status_code == 403, reply.text
    check_envelope(reply)
    assert everything(api) == before
    delete_all(stranger, [team["uuid"]])
