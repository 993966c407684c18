"""The managed database: several resources as one, through Construct, on the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from typing import Any

import httpx
import psycopg

from support.control_plane import ControlPlane, wait_until
from support.naming import unique
from support.pulumi import Stack
from support.sdk import python_path

TYPE = "polykomos:index:ManagedDatabase"
VERSION = metadata.version("polykomos-provider")
WITHOUT_SECRETS = {"PGHOST", "PGPORT", "PGDATABASE"}


def blueprint(name: str, sql: str, **rest: Any) -> tuple[str, dict[str, Any]]:
    return "Blueprint", {"name": name, "sqlContent": sql, **rest}


def applied(name: str, **rest: Any) -> dict[str, Any]:
    """An entry of `blueprints` that follows the blueprint of that name in the program."""
    return {"blueprintUuid": f"${{{name}.uuid}}", "blueprintVersion": f"${{{name}.version}}", **rest}


def urn(kind: str, name: str, component: str = "") -> str:
    inside = f"{TYPE}$" if component else ""
    return f"urn:pulumi:dev::story::{inside}polykomos:index:{kind}::{component}{name}"


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_a_managed_databases_whole_life(stack: Stack, control_plane: ControlPlane) -> None:
    name = unique("managed")
    token = unique("secret-value")
    inbox = f"{control_plane.origin}/_polykomos/inbox/{name}"
    resources: dict[str, Any] = {
        "zero": blueprint(name, "SELECT 0;"),
        "one": blueprint(name, "CREATE TABLE one (n int);"),
        "two": blueprint(name, "CREATE TABLE two (t text DEFAULT {{t}});", variables={"t": {}}),
    }
    blueprints = [applied("one"), applied("two", variables={"t": {"fn::secret": token}})]
    managed = {"name": name, "blueprints": blueprints, "webhook": {"url": inbox}}
    outputs = {each: f"${{main.{each}}}" for each in ("endpoint", "connectionString", "environment", "applicationIds")}

    def write(component: str = "main", **options: Any) -> None:
        options = {"version": VERSION, "dependsOn": ["${zero}"], **options}
        given = {**resources, component: ("ManagedDatabase", managed, options)}
        stack.write(given, {each: value.replace("main", component) for each, value in outputs.items()})

    write()
    assert set(stack.preview().ops.values()) == {"create"}
    some = stack.up("--target", "**::one", "--target", "**::two")
    assert some.ops == {"one": "create", "two": "create"}, "what a run leaves out stays out"
    stack.up()
    found = stack.outputs()
    assert tables(found["connectionString"]) == {"one", "two"}
    assert found["endpoint"] == {
        "host": found["environment"]["app"]["PGHOST"],
        "port": int(found["environment"]["app"]["PGPORT"]),
        "database": found["environment"]["app"]["PGDATABASE"],
    }
    roles = found["environment"]
    assert roles["app"]["DATABASE_URL"] == found["connectionString"]
    assert roles["app"].keys() == {*WITHOUT_SECRETS, "DATABASE_URL", "PGUSER", "PGPASSWORD"}
    assert roles["observer"].keys() == WITHOUT_SECRETS
    assert len(found["applicationIds"]) == 2

    # Secrets flow in and out; what is none stays readable.
    stored = json.dumps(stack.state())
    assert token not in stored
    assert token not in (stack.directory / "events.json").read_text()
    assert roles["app"]["PGPASSWORD"] not in stored
    shown = json.loads(stack.run("stack", "output", "--json").output)
    assert {each for each, value in shown.items() if value == "[secret]"} == {"connectionString", "environment"}

    # Parented, in order, with the dependencies that each property has.
    children = {r["urn"]: r for r in stack.state()["deployment"]["resources"] if r.get("parent", "").endswith("::main")}
    webhook, database = urn("WebhookEndpoint", "-webhook", "main"), urn("Database", "-database", "main")
    first, second = (urn("BlueprintApplication", f"-blueprint-{n}", "main") for n in (1, 2))
    assert children.keys() == {webhook, database, first, second}
    zero = urn("Blueprint", "zero")
    assert children[webhook]["dependencies"] == [zero]
    assert set(children[database]["dependencies"]) == {webhook, zero}
    assert children[second]["propertyDependencies"] == {
        "databaseUuid": [database],
        "blueprintUuid": [urn("Blueprint", "two")],
        "blueprintVersion": [urn("Blueprint", "two")],
        "variables": [],
    }
    assert first in children[second]["dependencies"]
    providers = {child["provider"].split("::")[3] for child in children.values()}
    assert providers == {"default_" + VERSION.replace(".", "_")}, "the one that the component was asked of"
    heard = wait_until(lambda: control_plane_inbox(control_plane, name))
    assert heard[0]["body"]["event"] == "database.provisioned", "there before the database was"

    stack.assert_no_changes()
    stack.refresh("--expect-no-changes")

    # One more at the end leaves the others alone; a new version applies that blueprint anew.
    resources["three"] = blueprint(name, "CREATE TABLE three (n int);")
    blueprints.append(applied("three"))
    write()
    assert stack.up().ops == {"three": "create", "main": "update", "main-blueprint-3": "create"}
    resources["three"] = blueprint(name, "CREATE TABLE IF NOT EXISTS three (n int); CREATE TABLE four (n int);")
    write()
    assert stack.preview().replaces == {"main-blueprint-3": ["blueprintVersion"]}
    stack.up()
    assert tables(stack.outputs()["connectionString"]) == {"one", "two", "three", "four"}

    # Renamed with an alias, nothing below is made anew.
    write("prod", aliases=[{"name": "main"}])
    assert stack.up().ops == {}
    assert stack.resource("prod-database")["id"] == children[database]["id"]

    # Protected, it is refused while planning; a change in place is not.
    managed.update(deletionProtection=True, connectionHardLimit=7)
    write("prod")
    assert stack.up().ops == {"prod": "update", "prod-database": "update"}
    refused = stack.run("destroy", "--preview-only", "--stack", "dev", ok=False).output
    assert "prod-database" in refused
    assert "protect" in refused
    managed["deletionProtection"] = False
    write("prod")
    stack.up()
    stack.destroy()


def control_plane_inbox(control_plane: ControlPlane, name: str) -> list[dict[str, Any]]:
    with control_plane.admin() as admin:
        found: list[dict[str, Any]] = admin.get(f"/inbox/{name}").json()
    return [each for each in found if each["body"]["event"] == "database.provisioned"]


PROGRAM = """
import pulumi
import pulumi_polykomos as polykomos


def created(args: pulumi.ResourceHookArgs) -> None:
    with open("hooks.txt", "a") as calls:
        calls.write(args.name)


there = polykomos.Provider("there", api_key=pulumi.Config().require_secret("apiKey"), base_url="{base_url}")
under = pulumi.ResourceOptions(provider=there)
schema = polykomos.Blueprint("schema", name="{name}", sql_content="CREATE TABLE t (n int);", opts=under)
main = polykomos.ManagedDatabase(
    "main",
    name="{name}",
    connection_hard_limit={limit},
    blueprints=pulumi.Output.all(schema.uuid, schema.version).apply(
        lambda one: [polykomos.ManagedDatabaseBlueprintArgs(blueprint_uuid=one[0], blueprint_version=one[1])]
    ),
    webhook=polykomos.ManagedDatabaseWebhookArgs(url="https://hooks.example.com/x", events=["database.deleted"]),
    opts=pulumi.ResourceOptions(
        provider=there, protect={protect}, ignore_changes=["connectionHardLimit"],
        custom_timeouts=pulumi.CustomTimeouts(create="7m"), hooks=pulumi.ResourceHookBinding(after_create=[created]),
    ),
)
pulumi.export("host", main.endpoint.host)
pulumi.export("url", main.connection_string)
pulumi.export("signing", main.webhook_secret)
pulumi.export("user", main.environment.apply(lambda roles: roles["app"]["PGUSER"]))
"""


def test_a_python_program_uses_the_component_with_an_explicit_provider(
    new_stack: Callable[..., Stack], connection: dict[str, str]
) -> None:
    stack = new_stack({"PYTHONPATH": python_path()}, runtime="python")
    stack.run("config", "set", "--secret", "apiKey", connection["POLYKOMOS_API_KEY"])
    given = {"name": unique("managed-py"), "base_url": connection["POLYKOMOS_BASE_URL"]}

    def write(**changed: Any) -> None:
        text = PROGRAM.format(**{**given, "protect": False, "limit": 5, **changed})
        (stack.directory / "__main__.py").write_text(text)

    write()
    planned = stack.preview()
    assert planned.ops.keys() == {"there", "schema", "main", "main-webhook", "main-database"}
    assert "`blueprints` is not known yet" in planned.diagnostics
    stack.up()
    found = stack.outputs()
    assert tables(found["url"]) == {"t"}
    assert found["url"].startswith("postgresql://")
    assert found["signing"].startswith("whsec_")
    shown = json.loads(stack.run("stack", "output", "--json").output)
    assert {each for each, value in shown.items() if value == "[secret]"} == {
        "url", "signing", "user",
    }  # fmt: skip
    database = stack.resource("main-database")
    assert database["provider"].split("::")[3] == "there", "no default provider could have reached the API"
    assert database["customTimeouts"] == {"create": 420}
    assert (stack.directory / "hooks.txt").read_text() == "main", "a hook of the component, once"
    stack.assert_no_changes()

    # The component's options reach its children.
    write(protect=True, limit=6)
    assert "main-database" not in stack.up().ops, "ignored"
    assert stack.resource("main-blueprint-1")["protect"] is True
    write()
    stack.up()
    stack.destroy()


def test_a_second_application_that_fails_leaves_the_rest_and_the_next_run_completes(
    stack: Stack, api: httpx.Client
) -> None:
    name = unique("partial")
    resources: dict[str, Any] = {
        "one": blueprint(name, "CREATE TABLE one (n int);"),
        "two": blueprint(name, "INSERT INTO one SELECT 1 / 0;"),
        "three": blueprint(name, "CREATE TABLE three (n int);"),
    }
    managed = {"name": name, "blueprints": [applied("one"), applied("two"), applied("three")]}
    program = {**resources, "main": ("ManagedDatabase", managed)}
    stack.write(program)
    failed = stack.up(ok=False)
    assert "division by zero" in failed.diagnostics
    assert "main-blueprint-2 was not created or updated" in failed.diagnostics
    assert "client connection is closing" not in failed.output
    # Told to go on, the engine does, with what does not need the component.
    program["other"] = blueprint(name, "SELECT 1;")
    stack.write(program)
    failed = stack.up("--continue-on-error", ok=False)
    assert failed.ops == {"other": "create", "main-blueprint-2": "create"}
    assert "main-blueprint-2 was not created or updated" in failed.diagnostics
    kept = {each: stack.resource(each)["id"] for each in ("main-database", "main-blueprint-1")}
    assert not any(r["urn"].endswith("blueprint-3") for r in stack.state()["deployment"]["resources"])

    program["two"] = blueprint(name, "INSERT INTO one VALUES (2);")
    stack.write(program, {"url": "${main.connectionString}"})
    assert stack.up().ops == {
        "two": "update", "main": "update", "main-blueprint-2": "create", "main-blueprint-3": "create",
    }  # fmt: skip
    assert {each: stack.resource(each)["id"] for each in kept} == kept
    with psycopg.connect(stack.outputs()["url"]) as connection:
        assert connection.execute("SELECT n FROM one").fetchall() == [(2,)]
    assert [each["name"] for each in api.get("/databases", params={"limit": 100}).json()["data"]].count(name) == 1
    stack.assert_no_changes()
    stack.destroy()


def test_what_is_wrong_with_the_inputs_is_said_by_its_path_before_anything_is_registered(stack: Stack) -> None:
    uuid = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
    bad = {
        "name": "Orders",
        "connectionHardLimit": 0,
        "blueprints": [
            {"blueprintUuid": uuid, "blueprintVersion": 1},
            {"blueprintUuid": "contacts", "blueprintVersion": 0},
        ],
        "webhook": {"url": {"fn::secret": "http://user:hunter2@example.com"}},
    }
    stack.write({"main": ("ManagedDatabase", bad)})
    told = stack.up(ok=False).output
    for path in ("name", "connectionHardLimit", "blueprints[1].blueprintUuid", "blueprints[1].blueprintVersion"):
        assert f"property {path} " in told
    assert "webhook.url: must be an https:// URL" in told
    assert "hunter2" not in told, "the engine prints the values of the paths that it is told, secret or not"
    assert [r["type"] for r in stack.state()["deployment"]["resources"] if not r.get("custom")] == [
        "pulumi:pulumi:Stack"
    ]


def test_a_provider_whose_key_is_not_known_yet_names_the_way_out(
    new_stack: Callable[..., Stack], connection: dict[str, str]
) -> None:
    """The engine asks it for no parts of a component, takes those that exist for deleted, and they are protected."""
    stack, name = new_stack({"POLYKOMOS_BASE_URL": connection["POLYKOMOS_BASE_URL"]}), unique("late-key")
    stack.run("config", "set", "--secret", "apiKey", connection["POLYKOMOS_API_KEY"])

    def write(key: str, **more: Any) -> None:
        there = {**more, "there": ("pulumi:providers:polykomos", {"apiKey": key})}
        main = ("ManagedDatabase", {"name": name, "deletionProtection": True}, {"provider": "${there}"})
        source = ("pulumi:providers:polykomos", {"apiKey": "${apiKey}"})
        config = {"apiKey": {"type": "string", "secret": True}}
        stack.write({**there, "source": source, "main": main}, config=config)

    write("${apiKey}")
    stack.up()
    later = ("Blueprint", {"name": name, "sqlContent": "SELECT 1"}, {"provider": "${source}"})
    write("${later.slug}", later=later)
    refused = stack.preview(ok=False)
    assert "cannot be deleted" in refused.diagnostics
    assert "pulumi up --target URN" in refused.diagnostics
