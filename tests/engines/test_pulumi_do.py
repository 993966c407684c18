"""What Pulumi calls without a deployment: lists of what exists, and the mapping of Terraform's names."""

from __future__ import annotations

import json
from typing import Any

import httpx

from support.control_plane import create_database, new_key
from support.naming import unique
from support.pulumi import Stack


def listed(stack: Stack, kind: str, *words: str) -> dict[str, str]:
    """The names of the objects that `pulumi do … list` prints, by id."""
    output = stack.run("do", f"polykomos:index:{kind}", "list", *words).output
    found: list[dict[str, Any]] = json.loads(output[output.index("[") :])
    return {each["id"]: each["name"] for each in found}


def test_lists_of_what_exists(stack: Stack, api: httpx.Client) -> None:
    name = unique("listed")
    made = create_database(api, name)["uuid"]
    body = {"name": name, "sql_content": "SELECT 1"}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    url = {"url": f"https://hooks.example.com/{name}"}
    endpoint = api.post("/webhook_endpoints", json=url, headers=new_key()).json()["data"]["id"]

    assert listed(stack, "Database", "--all", "--name", name) == {made: name}
    assert listed(stack, "Blueprint", "--all", "--name", name) == {blueprint: name}
    assert listed(stack, "WebhookEndpoint", "--all")[str(endpoint)] == url["url"]
    assert len(listed(stack, "Database", "--count", "1")) == 1
    # The ids are those of an import, which needs no name.
    stack.write({"db": ("Database", {}, {"import": made})})
    assert stack.up().ops == {"db": "import"}
    assert stack.resource("db")["inputs"]["name"] == name
    stack.destroy()


def test_the_mapping_of_terraforms_names(stack: Stack) -> None:
    file = stack.directory / "mapping.json"
    stack.run("package", "get-mapping", "terraform", "polykomos", "polykomos", "--out", str(file))
    mapping = json.loads(file.read_text())
    assert mapping["resources"]["polykomos_database"]["fields"]["db_type"]["name"] == "dbType"
    assert mapping["dataSources"]["polykomos_databases"]["tok"] == "polykomos:index:getDatabases"
    assert "no mapping" in stack.run("package", "get-mapping", "other", "polykomos", ok=False).output


def test_a_query_is_not_run_in_a_preview(stack: Stack, api: httpx.Client) -> None:
    arguments = {"databaseUuid": create_database(api, unique("asked"))["uuid"], "query": "show all tables"}
    invoke = {"fn::invoke": {"function": "polykomos:runQuery", "arguments": arguments}}
    stack.write({}, {"sql": "${asked.sql}"}, variables={"asked": invoke})
    assert any("`runQuery` is not run in a preview" in row for row in stack.preview().rows)
    assert not any("not run" in row for row in stack.up().rows)
    assert stack.outputs()["sql"].startswith("SELECT")


def test_a_components_replacements_are_those_of_its_resources(stack: Stack) -> None:
    root = ("Database", {"name": unique("root"), "region": "us-east-1"})

    def write(region: str, trigger: str) -> None:
        root[1]["region"] = region
        options = {"replaceWith": ["${root}"], "replacementTrigger": trigger}
        stack.write({"root": root, "managed": ("ManagedDatabase", {}, options)})

    write("us-east-1", "one")
    stack.up()
    first = stack.resource("managed-database")["id"]
    write("eu-west-1", "one")
    assert stack.up().replaces.keys() >= {"root", "managed-database"}
    second = stack.resource("managed-database")["id"]
    write("eu-west-1", "two")
    assert "managed-database" in stack.up().replaces
    assert len({first, second, stack.resource("managed-database")["id"]}) == 3
    stack.assert_no_changes()
    stack.destroy()
