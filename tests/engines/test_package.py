"""The package as the engine sees it: schema, functions, provider settings, debugging attach."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import create_database, new_key
from support.naming import unique
from support.needs import require
from support.pulumi import Stack

ROOT = Path(__file__).resolve().parents[2]


def test_get_schema_equals_the_checked_in_one(stack: Stack) -> None:
    plugin = require("pulumi-resource-polykomos")
    shown = stack.run("package", "get-schema", plugin).output
    served = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
    assert served == json.loads((ROOT / "schema.json").read_text())


def invoke(function: str, arguments: dict[str, Any], returned: str) -> dict[str, Any]:
    return {"fn::invoke": {"function": f"polykomos:{function}", "arguments": arguments, "return": returned}}


@pytest.fixture
def made(api: httpx.Client) -> dict[str, Any]:
    """A database, a blueprint, and more endpoints than one page of the client's holds (100)."""
    first: dict[str, Any] = {"db": create_database(api, unique("fn"))}
    for _ in range(105):
        body = {"url": "https://hooks.example.com/fn"}
        api.post("/webhook_endpoints", json=body, headers=new_key()).raise_for_status()
    sql = "CREATE TABLE fn (id int);"
    blueprint = api.post("/blueprints", json={"name": unique("fn"), "sql_content": sql}, headers=new_key()).json()
    first["bp"] = blueprint["data"]
    first["hook"] = api.post("/webhook_endpoints", json={"url": "http://127.0.0.1:9/never"}, headers=new_key()).json()[
        "data"
    ]
    api.post(f"/webhook_endpoints/{first['hook']['id']}/test_deliveries").raise_for_status()
    return first


def test_every_function(stack: Stack, api: httpx.Client, made: dict[str, Any]) -> None:
    stack.write(
        {},
        {
            "permissions": invoke("getAccount", {}, "permissions"),
            "types": invoke("getDatabaseTypes", {}, "databaseTypes"),
            "byUuid": invoke("getDatabase", {"uuid": made["db"]["uuid"]}, "name"),
            "byName": invoke("getDatabase", {"name": made["db"]["name"]}, "uuid"),
            "url": invoke("getDatabase", {"uuid": made["db"]["uuid"]}, "connectionString"),
            "databases": invoke("getDatabases", {}, "databases"),
            "sql": invoke("getBlueprint", {"uuid": made["bp"]["uuid"]}, "sqlContent"),
            "slug": invoke("getBlueprint", {"uuid": made["bp"]["uuid"]}, "slug"),
            "bySlug": invoke("getBlueprint", {"slug": made["bp"]["slug"]}, "uuid"),
            "blueprints": invoke("getBlueprints", {}, "blueprints"),
            "endpoints": invoke("getWebhookEndpoints", {}, "webhookEndpoints"),
            "deliveries": invoke("getWebhookDeliveries", {"endpointId": made["hook"]["id"]}, "deliveries"),
            "good": invoke("validateBlueprint", {"sqlContent": "SELECT 1; SELECT 2;"}, "statementCount"),
            "bad": invoke("validateBlueprint", {"sqlContent": "SELEC 1"}, "errors"),
            "asked": invoke("runQuery", {"databaseUuid": made["db"]["uuid"], "query": "show all tables"}, "sql"),
        },
    )
    stack.up()
    found = stack.outputs()
    assert "databases:write" in found["permissions"]
    assert "postgres" in [engine["value"] for engine in found["types"]]
    assert found["byUuid"] == made["db"]["name"]
    assert found["byName"] == made["db"]["uuid"]
    assert made["db"]["db_password"] in found["url"]
    assert "SELECT" in found["asked"]
    assert made["db"]["uuid"] in [database["uuid"] for database in found["databases"]]
    assert made["db"]["db_password"] not in json.dumps(found["databases"])
    assert found["sql"] == "CREATE TABLE fn (id int);"
    assert found["slug"] == made["bp"]["slug"]
    assert found["bySlug"] == made["bp"]["uuid"]
    assert made["bp"]["uuid"] in [blueprint["uuid"] for blueprint in found["blueprints"]]
    numbers = [endpoint["id"] for endpoint in found["endpoints"]]
    assert len(numbers) == len(set(numbers)) >= 106, "read to the last page"
    assert found["deliveries"][0]["eventType"] == "ping"
    assert found["deliveries"][0]["status"] == "failed"
    assert found["good"] == 2
    assert found["bad"]
    assert "[secret]" in stack.run("stack", "output").output, "credentials are secret outputs"


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        ("getDatabase", {}, "uuid"),
        ("getDatabase", {"uuid": "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"}, "does not exist"),
        ("getDatabase", {"name": "no-such-database"}, "no-such-database"),
        ("getBlueprint", {"slug": "no-such-blueprint"}, "no-such-blueprint"),
    ],
)
def test_a_function_that_finds_nothing_says_what(stack: Stack, function: str, arguments: dict, told: str) -> None:
    stack.write({}, {"out": invoke(function, arguments, "uuid")})
    assert told in stack.preview(ok=False).output


def test_an_explicit_provider_and_an_unknown_key(new_stack: Callable[..., Stack], connection: dict[str, str]) -> None:
    stack = new_stack({})
    stack.run("config", "set", "--secret", "apiKey", connection["POLYKOMOS_API_KEY"])
    settings = {"apiKey": "${apiKey}", "baseUrl": connection["POLYKOMOS_BASE_URL"]}
    name = unique("explicit")
    stack.write(
        {
            "there": ("pulumi:providers:polykomos", settings),
            "db": ("Database", {"name": name}, {"provider": "${there}"}),
        },
        {"uuid": "${db.uuid}"},
        config={"apiKey": {"type": "string", "secret": True}},
    )
    stack.up()
    assert connection["POLYKOMOS_API_KEY"] not in json.dumps(stack.state())
    stack.assert_no_changes()
    # A changed setting updates the provider and leaves its resources alone.
    settings["baseUrl"] += "/"
    stack.write(
        {
            "there": ("pulumi:providers:polykomos", settings),
            "db": ("Database", {"name": name}, {"provider": "${there}"}),
        },
        config={"apiKey": {"type": "string", "secret": True}},
    )
    assert stack.up().ops == {"there": "update"}
    stack.destroy()


def test_attaching_to_a_running_provider(new_stack: Callable[..., Stack], connection: dict[str, str]) -> None:
    plugin = require("pulumi-resource-polykomos")
    env = {**os.environ, **connection}
    with subprocess.Popen([plugin], stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            stack = new_stack({"PULUMI_DEBUG_PROVIDERS": f"polykomos:{port}"})
            stack.write({"db": ("Database", {"name": unique("debug")})})
            stack.up()
            assert process.poll() is None, "an attached provider outlives the command"
            stack.destroy()
        finally:
            process.terminate()


def test_the_tests_read_a_checkpoint_as_the_engine_exports_it(stack: Stack) -> None:
    """Most tests look into the state by `support.checkpoint`, without a command."""
    stack.write(
        {"db": ("Database", {"name": unique("read")})},
        {"url": "${db.connectionString}", "nested": {"list": [1, 2.5, "${db.connectionString}", "${db.uuid}"]}},
    )
    stack.up()
    shown = json.loads(stack.run("stack", "export", "--show-secrets").output)["deployment"]["resources"]
    assert stack.resource("db") in shown
    assert stack.outputs() == json.loads(stack.run("stack", "output", "--json", "--show-secrets").output)
    for _ in range(2):
        assert stack.state() == json.loads(stack.run("stack", "export").output)
        stack.destroy()
    assert stack.outputs() == json.loads(stack.run("stack", "output", "--json", "--show-secrets").output) == {}
