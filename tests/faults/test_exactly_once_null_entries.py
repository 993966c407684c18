"""A broken-off create of release 0.1.0 whose maps hold null entries is found: that release sent them.

The calls of 0.1.0 are made by the test, with the keys that it made; then the program runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from resourcekit.idempotency import IdempotencyKeys
from support.control_plane import ControlPlane
from support.pulumi import Stack
from support.sdk import python_path
from support.terraform import ENGINES, Workspace

SQL = "CREATE TABLE IF NOT EXISTS seen (a text, b text); INSERT INTO seen VALUES ({{a}}, {{b}});"
VARIABLES = {"a": {"type": "string"}, "b": {"type": "string", "default": "left out"}}
VALUES = {"a": "given", "b": None}
PULUMI_PROGRAM = Path(__file__).parents[1] / "support" / "options_program.py"
SCOPE = "tests/nulls"


def applied(plane: ControlPlane, uuid: str) -> list[Any]:
    """The rows that the SQL has written, once per run."""
    with plane.client() as api:
        login = api.get(f"/databases/{uuid}").json()["data"]["connection_string"]
    with psycopg.connect(login) as connection:
        return connection.execute("SELECT a, b FROM seen").fetchall()


def facts(database: str, blueprint: str) -> tuple[str, ...]:
    """What 0.1.0 put into the key of an application, of the first version."""
    return database, blueprint, "1", json.dumps(VALUES, sort_keys=True)


def call(plane: ControlPlane, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    with plane.client() as api:
        reply = api.post(path, json=body, headers={"Idempotency-Key": key}, timeout=60)
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()["data"]
    return found


def databases(plane: ControlPlane) -> set[str]:
    with plane.client() as api:
        return {each["uuid"] for each in api.get("/databases", params={"limit": 100}).json()["data"]}


def declare(stack: Stack, *entries: tuple[str, str, dict[str, Any]]) -> None:
    found = [
        {"name": name, "kind": kind, "module": "native", "arguments": arguments, "options": {}}
        for name, kind, arguments in entries
    ]
    (stack.directory / "resources.json").write_text(json.dumps(found))


def test_pulumi(plane: ControlPlane, tmp_path: Path) -> None:
    """A program in Python: that language hands null entries on, where YAML leaves them out."""
    env = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key, "PYTHONPATH": python_path()}
    stack = Stack(tmp_path / "stack", env, runtime="python", quick=True)
    shutil.copy(PULUMI_PROGRAM, stack.directory / "__main__.py")
    before = (
        ("db", "Database", {"name": "applied"}),
        ("bp", "Blueprint", {"name": "nulls", "sql_content": SQL, "variables": VARIABLES}),
    )
    declare(stack, *before)
    stack.up()
    resources = stack.state()["deployment"]["resources"]
    (instance,) = [each["id"] for each in resources if each["type"] == "pulumi:providers:polykomos"]
    database, blueprint = (stack.resource(name)["id"] for name in ("db", "bp"))
    start = stack.resource("db")["urn"].partition("polykomos:")[0]

    def keys(kind: str, name: str) -> IdempotencyKeys:
        token = f"polykomos:index:{kind}"
        return IdempotencyKeys(token, f"{instance} {start}{token}::{name}")

    key = keys("BlueprintApplication", "run").create_key(0, *facts(database, blueprint))
    body = {"blueprint_uuid": blueprint, "variables": VALUES, "dry_run": False, "wait": True, "timeout": 2}
    application = call(plane, f"/databases/{database}/blueprint_applications", body, key)
    body = {"name": "made-with-sql", "blueprint_uuid": blueprint, "blueprint_variables": VALUES}
    made = call(plane, "/databases?wait=true&timeout=2", body, keys("Database", "made").create_key(0))
    assert applied(plane, database) == applied(plane, made["uuid"]) == [("given", "left out")]

    given = {"database_uuid": {"of": "db", "name": "uuid"}, "blueprint_uuid": {"of": "bp", "name": "uuid"}}
    sql = {"blueprint_uuid": {"of": "bp", "name": "uuid"}, "blueprint_variables": VALUES}
    declare(
        stack,
        *before,
        ("run", "BlueprintApplication", {**given, "variables": VALUES}),
        ("made", "Database", {"name": "made-with-sql", **sql}),
    )
    stack.up()
    assert stack.resource("run")["outputs"]["applicationId"] == application["id"]
    assert stack.resource("made")["id"] == made["uuid"]
    assert applied(plane, database) == applied(plane, made["uuid"]) == [("given", "left out")]
    assert databases(plane) == {database, made["uuid"]}
    stack.assert_no_changes()
    stack.destroy()


PROGRAM = """
resource "polykomos_blueprint_application" "run" {{
  database_uuid  = "{database}"
  blueprint_uuid = "{blueprint}"
  variables      = {{ a = "given", b = null }}
}}
resource "polykomos_database" "made" {{
  name                = "made-with-sql"
  blueprint_uuid      = "{blueprint}"
  blueprint_variables = {{ a = "given", b = null }}
}}
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_terraform(
    engine: str, new_workspace: Callable[..., Workspace], plane: ControlPlane, admin: httpx.Client
) -> None:
    database = call(plane, "/databases?wait=true", {"name": "applied"}, "of-db")["uuid"]
    blueprint = call(plane, "/blueprints", {"name": "nulls", "sql_content": SQL, "variables": VARIABLES}, "of-bp")[
        "uuid"
    ]

    def keys(type_name: str, arguments: dict[str, Any]) -> IdempotencyKeys:
        return IdempotencyKeys(type_name, f"{SCOPE} default {json.dumps(arguments, sort_keys=True)}")

    given = {"database_uuid": database, "blueprint_uuid": blueprint, "variables": VALUES}
    key = keys("polykomos_blueprint_application", given).create_key(0, *facts(database, blueprint))
    body = {"blueprint_uuid": blueprint, "variables": VALUES, "dry_run": False, "wait": True, "timeout": 2}
    application = call(plane, f"/databases/{database}/blueprint_applications", body, key)
    body = {"name": "made-with-sql", "blueprint_uuid": blueprint, "blueprint_variables": VALUES}
    made = call(plane, "/databases", body, keys("polykomos_database", body).create_key(0))

    workspace = new_workspace(engine, POLYKOMOS_IDEMPOTENCY_SCOPE=SCOPE)
    workspace.write(PROGRAM.format(database=database, blueprint=blueprint))
    workspace.apply()
    assert workspace.resource("polykomos_blueprint_application.run")["application_id"] == application["id"]
    assert workspace.resource("polykomos_database.made")["id"] == made["uuid"]
    assert applied(plane, database) == applied(plane, made["uuid"]) == [("given", "left out")]
    assert databases(plane) == {database, made["uuid"]}
    workspace.settled()
