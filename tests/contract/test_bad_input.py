"""Bodies that must be refused with the right words, and must change nothing (api-facts S10, S13, S32, S33)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, create_database, delete_all
from support.operations import ABSENT_UUID, BY_NAME, WITH_BODY, Operation, error_of, everything

every_body = pytest.mark.parametrize("operation", WITH_BODY, ids=str)


@pytest.fixture(scope="module")
def targets(control_plane: ControlPlane) -> Iterator[dict[str, Any]]:
    """By the first segment of a path: an object of ours that a call may be aimed at."""
    with control_plane.client() as client:
        database = create_database(client, "bad-input")
        blueprint = BY_NAME["createBlueprint"].call(client).json()["data"]
        yield {"databases": database["uuid"], "blueprints": blueprint["uuid"]}
        delete_all(client, [database["uuid"]])
        BY_NAME["deleteBlueprint"].call(client, blueprint["uuid"])


def refused(
    api: httpx.Client, operation: Operation, target: dict[str, Any], status: int, code: str, **options: Any
) -> dict[str, Any]:
    """The details of the refusal, after it is sure that nothing changed."""
    before = everything(api)
    reply = operation.call(api, target.get(operation.path.split("/")[1]), **options)
    details = error_of(reply, status, code)
    assert everything(api) == before
    return details


MALFORMED = [
    b"",
    b"{",
    b'{"name": "x"',
    b"{'name': 'x'}",
    b'{"name": "x"} {}',
    b"\xff\xfe",
    b'{"a": NaN}',
    b'{"a": 1,}',
]


@pytest.mark.facts("errors:400")
@every_body
def test_malformed_json_is_400(api: httpx.Client, targets: dict[str, Any], operation: Operation) -> None:
    before = everything(api)
    for content in MALFORMED:
        reply = operation.call(api, targets.get(operation.path.split("/")[1]), content=content)
        error_of(reply, 400, "invalid_json")
    assert everything(api) == before


@pytest.mark.facts("S33")
@every_body
def test_a_body_that_is_no_object_is_422(api: httpx.Client, targets: dict[str, Any], operation: Operation) -> None:
    before = everything(api)
    for body in ("[]", "null", '"x"', "5", "true", "[{}]"):
        reply = operation.call(api, targets.get(operation.path.split("/")[1]), content=body)
        error_of(reply, 422, "invalid_field")
    assert everything(api) == before


@every_body
def test_a_body_nested_without_end_is_refused(api: httpx.Client, targets: dict[str, Any], operation: Operation) -> None:
    before = everything(api)
    target = targets.get(operation.path.split("/")[1])
    reply = operation.call(api, target, content='{"variables":' + "[" * 100_000)
    assert reply.status_code == 400, reply.text[:300]
    assert everything(api) == before


@pytest.mark.facts("errors:413")
@every_body
def test_an_oversize_body_is_413(api: httpx.Client, targets: dict[str, Any], operation: Operation) -> None:
    before = everything(api)
    target = targets.get(operation.path.split("/")[1])
    reply = operation.call(api, target, json={**(operation.body or {}), "padding": "x" * 20_000_000})
    assert reply.status_code == 413, reply.text[:300]
    assert reply.json()["error"]["details"] is not None
    assert everything(api) == before


REQUIRED = [
    ("createDatabase", "name"),
    ("createDatabaseBlueprintApplication", "blueprint_uuid"),
    ("createWebhookEndpoint", "url"),
    ("createBlueprint", "name"),
    ("createBlueprint", "sql_content"),
    ("createBlueprintValidation", "sql_content"),
]


@pytest.mark.facts("errors:422")
@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_a_missing_field_is_named(api: httpx.Client, targets: dict[str, Any], name: str, field: str) -> None:
    operation = BY_NAME[name]
    body = {key: value for key, value in (operation.body or {}).items() if key != field}
    details = refused(api, operation, targets, 422, "missing_required_field", json=body)
    assert details["field"] == field


LONG = "a" * 64
BAD_FIELDS: list[tuple[str, str, list[Any]]] = [
    (
        "createDatabase",
        "name",
        ["", "-a", "A", "a_b", "a b", "a.b", "a\n", "\na", "ä", "a;drop", "a\x00", LONG, 5, True, ["a"], {}],
    ),
    ("createDatabase", "db_type", ["", "oracle", "mariadb", "POSTGRES", 5, True, []]),
    ("createDatabase", "region", ["", "moon-1", "US-EAST-1", 5, {}]),
    ("createDatabase", "plan", ["", "enterprise", "FREE", 5, True]),
    ("createDatabase", "team_id", [0, -1, "1", 1.5, True, [1]]),
    ("createDatabase", "blueprint_uuid", ["", "x", 5, ABSENT_UUID[:-1], True]),
    ("createDatabase", "blueprint_variables", ["", 5, [], True]),
    ("updateDatabase", "name", ["", "-a", "A", "a\n", LONG, 5, True]),
    ("createDatabaseBlueprintApplication", "blueprint_uuid", ["", "x", 5, True, None]),
    ("createDatabaseBlueprintApplication", "variables", ["", 5, [], True]),
    ("createDatabaseBlueprintApplication", "dry_run", ["", "true", 1, 0, []]),
    ("createDatabaseBlueprintApplication", "wait", ["", "true", 1, 0, []]),
    ("createDatabaseBlueprintApplication", "timeout", [0, 121, -1, "30", 1.5, True]),
    ("createWebhookEndpoint", "url", ["", "x", "ftp://a.example", "http://a.example/x", "https://", 5, True, None]),
    ("createWebhookEndpoint", "events", ["database.deleted", ["nope"], ["ping", 5], [None], {}, 5, True]),
    ("createBlueprint", "name", ["", 5, True, None, []]),
    ("createBlueprint", "sql_content", [5, True, None, []]),
    ("createBlueprint", "description", [5, True, []]),
    ("createBlueprint", "variables", ["", 5, [], True, {"a": {"type": "nope"}}, {"a": [1]}]),
    ("updateBlueprint", "name", ["", 5, True, []]),
    ("updateBlueprint", "sql_content", [5, True, []]),
    ("updateBlueprint", "description", [5, True, []]),
    ("updateBlueprint", "variables", ["", 5, [], True]),
    ("createBlueprintValidation", "sql_content", [5, True, None, []]),
]
QUOTAS: list[tuple[str, list[Any]]] = [
    ("storage_hard_limit_gb", [0, -1, -0.5, "10", True, [], 1e400]),
    ("connection_hard_limit", [0, -1, 1.5, "10", True, [], 2**31, 10**30]),
    ("warning_threshold_pct", [0, 101, -1, 1.5, "80", True, []]),
]
BAD_FIELDS += [(name, *quota) for quota in QUOTAS for name in ("createDatabase", "updateDatabaseQuotas")]


@pytest.mark.facts("errors:422", "C3", "S13", "S30", "S32")
@pytest.mark.parametrize(
    ("name", "field", "values"), BAD_FIELDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_wrong_value_is_refused_by_its_field(
    api: httpx.Client, targets: dict[str, Any], name: str, field: str, values: list[Any]
) -> None:
    operation = BY_NAME[name]
    before = everything(api)
    for value in values:
        # By hand: 1e400 is legal JSON that httpx would not write.
        written = json.dumps({**(operation.body or {}), field: value}).replace("Infinity", "1e400")
        reply = operation.call(api, targets.get(operation.path.split("/")[1]), content=written)
        details = error_of(reply, 422, "invalid_field")
        assert details["field"].split(".")[0] == field, value
    assert everything(api) == before


TEXTS = [
    ("createDatabase", "name"),
    ("createDatabase", "region"),
    ("createDatabaseBlueprintApplication", "variables"),
    ("createWebhookEndpoint", "url"),
    ("createBlueprint", "name"),
    ("createBlueprint", "description"),
    ("createBlueprint", "sql_content"),
    ("createBlueprint", "variables"),
    ("createBlueprintValidation", "sql_content"),
]


@pytest.mark.parametrize("written", [r'"a\u0000b"', r'"a\ud800b"'])
@pytest.mark.parametrize(("name", "field"), TEXTS)
def test_text_that_postgresql_cannot_hold_is_refused(
    api: httpx.Client, targets: dict[str, Any], name: str, field: str, written: str
) -> None:
    operation = BY_NAME[name]
    written = f'{{"a": {written}}}' if field == "variables" else written
    content = json.dumps({**(operation.body or {}), field: "@"}).replace('"@"', written)
    assert refused(api, operation, targets, 422, "invalid_field", content=content)["field"] == field


@pytest.mark.facts("S10")
@pytest.mark.parametrize("field", ["db_type", "region", "plan"])
def test_the_refusal_of_a_choice_names_the_choices(api: httpx.Client, targets: dict[str, Any], field: str) -> None:
    body = {"name": "x", field: "nothing-like-that"}
    details = refused(api, BY_NAME["createDatabase"], targets, 422, "invalid_field", json=body)
    known = {"db_type": "postgres", "region": "us-east-1", "plan": "free"}
    assert known[field] in details["allowed"]


@pytest.mark.parametrize("query", ["wait=yes", "wait=1.0", "timeout=0", "timeout=121", "timeout=x", "timeout=1.5"])
def test_a_wrong_query_parameter_is_refused(api: httpx.Client, targets: dict[str, Any], query: str) -> None:
    details = refused(api, BY_NAME["createDatabase"], targets, 422, "invalid_field", params=dict([query.split("=")]))
    assert details["field"] == query.split("=")[0]


BAD_SQL = [
    "",
    "SELEC 1;",
    "BEGIN; CREATE TABLE t (i int); COMMIT;",
    "CREATE TABLE t (i int); VACUUM;",
    "CREATE DATABASE other;",
    "CREATE ROLE other;",
    "ALTER SYSTEM SET work_mem = '1GB';",
]


@pytest.mark.facts("S20", "S21")
@pytest.mark.parametrize("sql", BAD_SQL)
@pytest.mark.parametrize("name", ["createBlueprint", "updateBlueprint"])
def test_invalid_sql_is_never_stored(api: httpx.Client, targets: dict[str, Any], name: str, sql: str) -> None:
    """S20, S21."""
    before = everything(api)
    operation = BY_NAME[name]
    kept = api.get(f"/blueprints/{targets['blueprints']}").json()["data"]
    body = {**(operation.body or {}), "sql_content": sql}
    reply = operation.call(api, targets["blueprints"], json=body)
    assert reply.status_code == 422, reply.text
    if sql:
        assert error_of(reply, 422, "invalid_sql")["errors"]
    assert everything(api) == before
    assert api.get(f"/blueprints/{targets['blueprints']}").json()["data"] == kept


@pytest.mark.facts("S20", "S21")
@pytest.mark.parametrize("sql", BAD_SQL)
def test_validation_only_tells(api: httpx.Client, sql: str) -> None:
    before = everything(api)
    reply = BY_NAME["createBlueprintValidation"].call(api, json={"sql_content": sql})
    if sql:
        assert reply.status_code == 200, reply.text
        verdict = reply.json()["data"]
        assert verdict["valid"] is False
        assert verdict["errors"]
    assert everything(api) == before


@pytest.mark.facts("S33")
@pytest.mark.parametrize("name", ["updateDatabase", "updateDatabaseQuotas", "updateBlueprint"])
def test_an_empty_patch_changes_nothing(api: httpx.Client, targets: dict[str, Any], name: str) -> None:
    before = everything(api)
    reply = BY_NAME[name].call(api, targets[BY_NAME[name].path.split("/")[1]], json={})
    assert reply.status_code == 200, reply.text
    assert everything(api) == before


@pytest.mark.facts("S31")
def test_unknown_fields_and_parameters_are_ignored(api: httpx.Client, targets: dict[str, Any]) -> None:
    """S31."""
    body = {"name": "tolerant", "unknown": {"deep": [1]}}
    reply = BY_NAME["updateDatabase"].call(api, targets["databases"], json=body, params={"nope": "1"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["name"] == "tolerant"


def test_an_absent_blueprint_cannot_be_named(api: httpx.Client, targets: dict[str, Any]) -> None:
    before = everything(api)
    body = {"name": "x", "blueprint_uuid": ABSENT_UUID}
    for name in ("createDatabase", "createDatabaseBlueprintApplication"):
        reply = BY_NAME[name].call(api, targets["databases"], json=body)
        assert reply.status_code in (404, 422), reply.text
    assert everything(api) == before


@pytest.mark.facts("S15")
def test_plan_and_region_stay_what_they_are(api: httpx.Client, targets: dict[str, Any]) -> None:
    before = everything(api)
    for name in ("updateDatabase", "updateDatabaseQuotas"):
        body = {"plan": "grow", "region": "eu-west-1", "db_type": "mysql", "team_id": 1}
        reply = BY_NAME[name].call(api, targets["databases"], json=body)
        assert reply.status_code == 200, reply.text
    assert everything(api) == before
