"""What a broken-off `pulumi up` has made is found by the next one, whichever provider instance carries that one out.

Another version of the SDK has a default provider of its own, and a program may go from the default provider to an
explicit one and back, or rename it. Each is another instance with another id in the state.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from polykomos.version import VERSION
from support.broken_creates import TABLE, made_and_killed, refused_after, there
from support.calls import counted
from support.control_plane import ControlPlane
from support.pulumi import Result, Stack

RECORD = Path(__file__).parents[1] / "upgrades" / "pulumi-0.1.0.json"
EXPLICIT = "pulumi:providers:polykomos"
Options = dict[str, Any]
# What a program says of its provider.
OLD: Options = {"version": "0.1.0"}
NEW: Options = {"version": "0.2.0"}
NEXT: Options = {"version": "0.3.0"}
DEFAULT: Options = {}
OWN: Options = {"provider": "${own}"}
RENAMED: Options = {"provider": "${renamed}"}
SWITCHES = {
    "upgrade": (OLD, NEW),
    "downgrade": (NEW, OLD),
    "two upgrades": (OLD, NEW, NEXT),
    "default to explicit": (DEFAULT, OWN),
    "explicit to default": (OWN, DEFAULT),
    "to explicit and back": (OLD, OWN, OLD),
    "renamed provider": (OWN, RENAMED),
    "renamed and upgraded": ({**OWN, **OLD}, {**RENAMED, **NEW}),
}


def declare(stack: Stack, options: Options, resources: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Write the program with these options on every resource, and with the provider that they name."""
    if options.get("version", VERSION) != VERSION:
        stack.uninstall()
    program: dict[str, Any] = {name: (kind, inputs, dict(options)) for name, (kind, inputs) in resources.items()}
    if "provider" in options:
        # The base URL comes from the environment; YAML wants the key in the program.
        stack.run("config", "set", "--secret", "apiKey", stack.env["POLYKOMOS_API_KEY"])
        version = {"version": options["version"]} if "version" in options else {}
        program[options["provider"].strip("${}")] = (EXPLICIT, {"apiKey": "${apiKey}"}, version)
        stack.write(program, config={"apiKey": {"type": "string", "secret": True}})
    else:
        stack.write(program)


def ids(plane: ControlPlane, kind: str) -> list[str]:
    return sorted(there(plane, kind))


def id_of(stack: Stack, name: str) -> str:
    (found,) = [each["id"] for each in stack.state()["deployment"]["resources"] if each["urn"].endswith(f"::{name}")]
    return str(found)


def instances(stack: Stack) -> int:
    return sum(each["type"] == EXPLICIT for each in stack.state()["deployment"]["resources"])


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_create_that_was_refused_after_it_was_carried_out(
    stack: Stack, plane: ControlPlane, admin: httpx.Client, switch: str
) -> None:
    """Every run but the last one fails after the object was made."""
    *broken_off, last = SWITCHES[switch]
    for number, options in enumerate(broken_off):
        declare(stack, options, {"db": ("Database", {"name": "once"})})
        # From the second run on the first call looks under the key of the other instance.
        refused_after(admin, "createDatabase", skip=min(number, 1))
        stack.up(ok=False)
        assert len(ids(plane, "databases")) == 1, options
    declare(stack, last, {"db": ("Database", {"name": "once"})})
    shown = stack.up()
    assert "adopted existing" in shown.output
    assert ids(plane, "databases") == [id_of(stack, "db")]
    stack.assert_no_changes()


@pytest.mark.parametrize("switch", ["upgrade", "default to explicit"])
def test_a_create_whose_engine_was_killed(stack: Stack, plane: ControlPlane, admin: httpx.Client, switch: str) -> None:
    before, after = SWITCHES[switch]
    declare(stack, before, {"db": ("Database", {"name": "once"})})
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase")
    assert stack.state()["deployment"]["pending_operations"]
    declare(stack, after, {"db": ("Database", {"name": "once"})})
    stack.up()
    assert ids(plane, "databases") == [id_of(stack, "db")] == [made]


def test_a_create_whose_response_was_lost(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    short = {"customTimeouts": {"create": "2s"}}
    declare(stack, {**OLD, **short}, {"hook": ("WebhookEndpoint", {"url": "https://example.com/h"})})
    rule = {"operation": "createWebhookEndpoint", "effect": "lost_response", "count": None}
    admin.post("/faults", json=rule).raise_for_status()
    stack.up(ok=False)
    admin.delete("/faults").raise_for_status()
    (made,) = there(plane, "webhook_endpoints")
    declare(stack, NEW, {"hook": ("WebhookEndpoint", {"url": "https://example.com/h"})})
    stack.up()
    assert stack.resource("hook")["id"] == str(made)
    assert stack.resource("hook")["outputs"]["secret"], "of the first response"
    assert ids(plane, "webhook_endpoints") == [made]


def test_sql_is_not_run_again(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "db": ("Database", {"name": "applied"}),
        "bp": ("Blueprint", {"name": "once", "sqlContent": TABLE}),
        "run": ("BlueprintApplication", {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}),
    }
    declare(stack, OLD, resources)
    for operation in ("createDatabase", "createBlueprint", "createDatabaseBlueprintApplication"):
        refused_after(admin, operation)
    stack.up(ok=False)
    declare(stack, NEW, resources)
    until_done(stack)
    assert len(ids(plane, "databases")) == len(ids(plane, "blueprints")) == 1
    with plane.client() as api:
        login = api.get(f"/databases/{stack.resource('db')['id']}").json()["data"]["connection_string"]
    with psycopg.connect(login) as conn:
        assert conn.execute("SELECT count(*) FROM seen").fetchone() == (1,)
    stack.assert_no_changes()


def until_done(stack: Stack) -> Result:
    """Run `up` until it succeeds; each fault fails one run."""
    for _ in range(4):
        done = stack.up(ok=None)
        if done.status == 0:
            return done
    raise AssertionError(done.output)


def test_what_release_0_1_0_left_behind(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    """Its requests are sent again as they were recorded, and its state is imported; then another version goes on."""
    record = json.loads(RECORD.read_text())
    with plane.client() as api:
        for request in record["requests"]:
            target = request["target"].removeprefix("/api/v1")
            key = {"Idempotency-Key": request["idempotency_key"]}
            api.post(target, json=request["body"], headers=key).raise_for_status()
    (stack.directory / "state.json").write_text(json.dumps(record["state"]))
    stack.run("stack", "import", "--file", "state.json")
    left = {kind: ids(plane, kind) for kind in ("databases", "blueprints", "webhook_endpoints")}
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "db": ("Database", {"name": "left-behind"}),
        "bp": ("Blueprint", {"name": "left-behind", "sqlContent": "SELECT 1"}),
        "hook": ("WebhookEndpoint", {"url": "https://example.com/left-behind"}),
    }
    declare(stack, NEW, resources)
    stack.up()
    found = {"databases": "db", "blueprints": "bp", "webhook_endpoints": "hook"}
    assert {kind: [id_of(stack, name)] for kind, name in found.items()} == {
        kind: list(map(str, each)) for kind, each in left.items()
    }
    assert {kind: ids(plane, kind) for kind in left} == left


def test_two_stacks_of_one_name_share_no_instance(
    new_stack: Callable[[str], Stack], plane: ControlPlane, admin: httpx.Client
) -> None:
    """Two backends, the same project and stack name, the same program; each is upgraded after a broken-off create."""
    one, other = new_stack("one"), new_stack("other")
    for stack in (one, other):
        declare(stack, OLD, {"db": ("Database", {"name": "same"})})
    refused_after(admin, "createDatabase")
    one.up(ok=False)
    for stack in (other, one):
        declare(stack, NEW, {"db": ("Database", {"name": "same"})})
        stack.up()
    assert id_of(one, "db") != id_of(other, "db")
    assert ids(plane, "databases") == sorted([id_of(one, "db"), id_of(other, "db")])


def test_an_object_that_the_state_holds_is_not_taken_for_a_left_over(
    stack: Stack, plane: ControlPlane, admin: httpx.Client
) -> None:
    """A forced replacement in the run of an upgrade: the old object stands under the old instance's key."""
    declare(stack, OLD, {"db": ("Database", {"name": "once"})})
    stack.up()
    old = id_of(stack, "db")
    declare(stack, NEW, {"db": ("Database", {"name": "once"})})
    stack.up("--target-replace", "urn:pulumi:dev::story::polykomos:index:Database::db")
    assert ids(plane, "databases") == [id_of(stack, "db")]
    assert id_of(stack, "db") != old


def test_one_instance_looks_under_no_other_key(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    declare(stack, NEW, {"db": ("Database", {"name": "once"})})
    with counted(plane) as calls:
        stack.up()
    assert calls["createDatabase"] == 1
    assert instances(stack) == 1
