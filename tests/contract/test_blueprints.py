"""Blueprints: validated by really running them, versioned, system ones immutable."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from support.control_plane import OTHER_KEY, ControlPlane, new_key
from support.naming import unique

ONE = "CREATE TABLE one (id serial PRIMARY KEY);"


def create(api: httpx.Client, **body: Any) -> dict[str, Any]:
    reply = api.post("/blueprints", json={"name": "plan", "sql_content": ONE, **body}, headers=new_key())
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]


def validate(api: httpx.Client, sql: str, **body: Any) -> dict[str, Any]:
    reply = api.post("/blueprint_validations", json={"sql_content": sql, **body})
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def test_a_blueprints_fields(api: httpx.Client) -> None:
    made = create(api, name="Straße & Wörter!", description="d", variables={"x": 1})
    assert made["slug"].startswith("strae-worter")
    assert (made["version"], made["content_type"], made["is_system_blueprint"]) == (1, "sql", False)
    assert made["size_bytes"] == len(ONE)
    assert "sql_content" not in made, "only a single get shows it"
    found = api.get(f"/blueprints/{made['uuid']}").json()["data"]
    assert found == {**made, "sql_content": ONE}
    assert made["variables"] == {"x": 1}


@pytest.mark.facts("S17")
def test_slugs_are_unique_and_stay(api: httpx.Client) -> None:
    name = unique("Same Name")
    first, second = create(api, name=name), create(api, name=name)
    assert second["slug"] == f"{first['slug']}-2"
    renamed = api.patch(f"/blueprints/{first['uuid']}", json={"name": "other"}).json()["data"]
    assert (renamed["name"], renamed["slug"], renamed["version"]) == ("other", first["slug"], 1)


@pytest.mark.facts("C19")
def test_only_other_sql_makes_a_new_version(api: httpx.Client) -> None:
    made = create(api)
    path = f"/blueprints/{made['uuid']}"
    for body, version in [
        ({}, 1),
        ({"name": "n", "description": "d"}, 1),
        ({"sql_content": ONE}, 1),
        ({"sql_content": ONE + " SELECT 1;"}, 2),
        ({"variables": {"a": 1}}, 2),
        ({"description": None}, 2),
    ]:
        assert api.patch(path, json=body).json()["data"]["version"] == version, body
    found = api.get(path).json()["data"]
    assert (found["name"], found["description"], found["variables"]) == ("n", None, {"a": 1})


@pytest.mark.facts("C5", "S19")
def test_deleted_is_gone(api: httpx.Client) -> None:
    path = f"/blueprints/{create(api)['uuid']}"
    gone = api.delete(path)
    assert gone.json()["data"] == {"object": "blueprint", "uuid": path.rsplit("/", 1)[1], "deleted": True}
    for reply in (api.get(path), api.delete(path), api.patch(path, json={"name": "x"})):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.facts("S18")
def test_system_blueprints_are_shared_and_immutable(api: httpx.Client, control_plane: ControlPlane) -> None:
    listed = api.get("/blueprints", params={"limit": 100}).json()["data"]
    system = [blueprint for blueprint in listed if blueprint["is_system_blueprint"]]
    assert {blueprint["slug"] for blueprint in system} == {"audit-log", "updated-at-trigger"}
    path = f"/blueprints/{system[0]['uuid']}"
    for reply in (api.patch(path, json={"name": "mine"}), api.delete(path)):
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "system_blueprint_immutable")
    with control_plane.client(OTHER_KEY) as other:
        assert other.get(path).status_code == 200


@pytest.mark.facts("S34")
def test_other_users_blueprints_are_not_there(api: httpx.Client, control_plane: ControlPlane) -> None:
    mine = create(api)
    with control_plane.client(OTHER_KEY) as other:
        assert other.get(f"/blueprints/{mine['uuid']}").status_code == 404
        assert other.patch(f"/blueprints/{mine['uuid']}", json={"name": "x"}).status_code == 404
        assert mine["uuid"] not in other.get("/blueprints", params={"limit": 100}).text


@pytest.mark.facts("S20", "S21")
@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT 1/0", "division by zero"),
        ("CREATE TABLE a (id int); CREATE TABLE a (id int)", 'statement 2: relation "a" already exists'),
        ("BEGIN; SELECT 1; COMMIT", "transaction control"),
        ("SELECT 'open", "unterminated"),
        (";;", "no statement"),
        ("CREATE DATABASE x", "server"),
        ("CREATE TABLE a (id int); INSERT INTO a (nope) VALUES (1)", "nope"),
        ("-- hidden\rCOMMIT\n AND CHAIN", "transaction control"),
        ("SELECT lo_import('/etc/passwd')", "permission denied"),
        ("COPY pg_class TO PROGRAM 'true'", "files, programs"),
        ("DO $$ BEGIN COMMIT; END $$", "invalid transaction termination"),
    ],
)
def test_invalid_sql_is_rejected_and_nothing_is_stored(api: httpx.Client, sql: str, told: str) -> None:
    verdict = validate(api, sql)
    assert verdict["valid"] is False
    assert told in " ".join(verdict["errors"])
    before = api.get("/blueprints", params={"limit": 100}).text.partition("request_id")[0]
    reply = api.post("/blueprints", json={"name": "bad", "sql_content": sql}, headers=new_key())
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid_sql")
    assert reply.json()["error"]["details"]["field"] == "sql_content"
    assert api.get("/blueprints", params={"limit": 100}).text.partition("request_id")[0] == before


def test_what_the_database_must_have_is_a_warning(api: httpx.Client) -> None:
    verdict = validate(api, "ALTER TABLE elsewhere ADD COLUMN a int; DROP TABLE old; CREATE TABLE mine (id int);")
    assert verdict["valid"] is True
    assert verdict["statement_count"] == 3
    told = " ".join(verdict["warnings"])
    assert "elsewhere" in told
    assert "DROP TABLE old destroys" in told
    assert verdict["manifest"]["creates"] == ["mine"]
    assert [s["kind"] for s in verdict["manifest"]["statements"]] == ["ALTER TABLE", "DROP TABLE", "CREATE TABLE"]


def test_dry_runs_leave_nothing_behind(api: httpx.Client) -> None:
    for _ in range(2):
        assert validate(api, "CREATE TABLE leftover (id int); CREATE TABLE public.leftover (id int)")["valid"]


def test_variables_are_judged_by_their_definitions(api: httpx.Client) -> None:
    sql = "CREATE TABLE {{t}} (n int DEFAULT {{n}})"
    assert validate(api, sql)["valid"] is False, "unknown definitions stand for strings"
    definitions = {"t": {"type": "identifier"}, "n": 3}
    verdict = validate(api, sql, variables=definitions)
    assert verdict["valid"] is True
    assert verdict["manifest"]["variables"] == ["t", "n"]
    assert create(api, sql_content=sql, variables=definitions)["variables"] == definitions
    for bad in ({"t": {"type": "identifier"}}, {"t": {"type": "nope"}, "n": 1}):
        reply = api.post("/blueprints", json={"name": "b", "sql_content": sql, "variables": bad}, headers=new_key())
        assert reply.status_code == 422, reply.text


@pytest.mark.facts("C5")
def test_changes_say_what_was_done(api: httpx.Client) -> None:
    made = api.post("/blueprints", json={"name": "said", "sql_content": ONE}, headers=new_key()).json()
    path = f"/blueprints/{made['data']['uuid']}"
    replies = [made, api.patch(path, json={"name": "again"}).json(), api.delete(path).json()]
    assert [reply["message"] for reply in replies] == ["Blueprint created.", "Blueprint updated.", "Blueprint deleted."]


@pytest.mark.facts("C24")
def test_variables_may_be_null(api: httpx.Client) -> None:
    made = create(api, variables=None)
    assert made["variables"] is None
    path = f"/blueprints/{made['uuid']}"
    assert api.patch(path, json={"variables": {"a": 1}}).json()["data"]["variables"] == {"a": 1}
    assert api.patch(path, json={"variables": None}).json()["data"]["variables"] is None


@pytest.mark.facts("S22")
def test_the_manifest_has_its_keys(api: httpx.Client) -> None:
    manifest = validate(api, ONE + " SELECT {{x}};", variables={"x": 1})["manifest"]
    assert manifest.keys() == {"statements", "creates", "variables"}
    assert [statement.keys() for statement in manifest["statements"]] == [{"index", "kind", "object"}] * 2


def test_true_is_not_one(api: httpx.Client) -> None:
    body = {"name": "kinds", "sql_content": "SELECT {{n}};", "variables": {"n": 1}}
    made = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
    changed = api.patch(f"/blueprints/{made['uuid']}", json={"variables": {"n": True}})
    assert changed.json()["data"]["variables"]["n"] is True
    assert api.get(f"/blueprints/{made['uuid']}").json()["data"]["variables"]["n"] is True
