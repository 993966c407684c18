"""What a killed `pulumi up` has made is found by the next one; nothing is made twice, shared or taken from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from support.broken_creates import TABLE, late, made_and_killed, there
from support.control_plane import ControlPlane, new_key
from support.process_kill import kill_up
from support.pulumi import Stack

URN = "urn:pulumi:dev::story::polykomos:index:"


def test_a_database(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    stack.write({"db": ("Database", {"name": "once"})}, {"url": "${db.connectionString}"})
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase")
    shown = stack.up()
    assert "adopted existing" in shown.output
    assert stack.resource("db")["id"] == made
    assert list(there(plane)) == [made]
    assert "postgresql://" in stack.outputs()["url"]
    stack.assert_no_changes()


def test_a_blueprint(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    stack.write({"bp": ("Blueprint", {"name": "once", "sqlContent": "SELECT 1"})})
    made = made_and_killed(stack, plane, admin, "blueprints", "createBlueprint")
    stack.up()
    assert list(there(plane, "blueprints")) == [stack.resource("bp")["id"]] == [made]
    stack.assert_no_changes()


def test_a_generated_name(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    """The next run has another random seed, so it generates another name. More objects are newer than are probed."""
    stack.write({"bp": ("Blueprint", {"sqlContent": "SELECT 1"})})
    made = made_and_killed(stack, plane, admin, "blueprints", "createBlueprint")
    with plane.client() as api:
        for number in range(35):
            api.post("/blueprints", json={"name": f"a-{number}", "sql_content": "SELECT 1"}, headers=new_key())
    stack.up()
    assert stack.resource("bp")["id"] == made
    found = there(plane, "blueprints")
    assert len(found) == 36
    assert found[made]["name"] == stack.resource("bp")["outputs"]["name"]
    stack.assert_no_changes()


def test_a_webhook_endpoint_keeps_its_secret(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://example.com/h"})}, {"secret": "${hook.secret}"})
    made = made_and_killed(stack, plane, admin, "webhook_endpoints", "createWebhookEndpoint")
    stack.up()
    assert stack.resource("hook")["id"] == str(made)
    assert stack.outputs()["secret"].startswith("whsec_")
    assert list(there(plane, "webhook_endpoints")) == [made]


def test_a_warning_names_an_endpoint_left_more_than_24_hours_ago(
    stack: Stack, plane: ControlPlane, admin: httpx.Client
) -> None:
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://example.com/h"})})
    made = made_and_killed(stack, plane, admin, "webhook_endpoints", "createWebhookEndpoint")
    plane.advance(25 * 3600)
    shown = stack.up()
    assert f"webhook endpoint {made} has the same `url`" in shown.diagnostics
    assert stack.resource("hook")["id"] != str(made)


def test_an_application_is_not_run_twice(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    program: dict[str, Any] = {
        "db": ("Database", {"name": "applied"}),
        "bp": ("Blueprint", {"name": "once", "sqlContent": TABLE}),
    }
    stack.write(program)
    stack.up()
    run = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}", "blueprintVersion": "${bp.version}"}
    stack.write({**program, "run": ("BlueprintApplication", run)})
    late(admin, "createDatabaseBlueprintApplication")
    with plane.client() as api:
        login = api.get(f"/databases/{stack.resource('db')['id']}").json()["data"]["connection_string"]

    def rows() -> int:
        with psycopg.connect(login) as conn:
            try:
                return len(conn.execute("SELECT n FROM seen").fetchall())
            except psycopg.errors.UndefinedTable:
                return 0

    kill_up(stack, rows)
    admin.delete("/faults").raise_for_status()
    stack.up()
    assert rows() == 1
    assert stack.resource("run")["outputs"]["status"] == "completed"
    stack.assert_no_changes()


@pytest.mark.parametrize(
    "edited",
    [
        {"name": "edited"},
        {"name": "once", "connectionHardLimit": 7},
        {"name": "edited", "warningThresholdPct": 50},
    ],
)
def test_edited_inputs_that_change_in_place(
    stack: Stack, plane: ControlPlane, admin: httpx.Client, edited: dict[str, Any]
) -> None:
    stack.write({"db": ("Database", {"name": "once"})})
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase")
    stack.write({"db": ("Database", edited)})
    stack.up()
    assert stack.resource("db")["id"] == made
    (found,) = there(plane).values()
    assert found["name"] == edited["name"]
    assert found["quotas"]["connection_hard_limit"] == edited.get("connectionHardLimit", 20)
    stack.assert_no_changes()


def test_edited_inputs_that_do_not(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    stack.write({"db": ("Database", {"name": "once"})})
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase")
    stack.write({"db": ("Database", {"name": "once", "plan": "launch"})})
    refused = stack.up(ok=False)
    assert made in refused.output
    assert '`plan` "free"' in refused.output
    assert list(there(plane)) == [made]
    # The first way out that it names.
    stack.write({"db": ("Database", {"name": "once", "plan": "free"})})
    stack.up()
    assert stack.resource("db")["id"] == made
    stack.write({"db": ("Database", {"name": "once", "plan": "launch"})})
    stack.up()
    assert made not in there(plane)
    assert len(there(plane)) == 1


def test_destroy_and_up_again_within_the_day(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    """The provider stays in the state with the blueprint, so the keys of the database come again."""
    kept: dict[str, Any] = {"bp": ("Blueprint", {"name": "kept", "sqlContent": "SELECT 1"})}
    seen = []
    for inputs in ({"name": "again"}, {"name": "again"}, {"name": "again", "plan": "launch"}, {"name": "other"}):
        stack.write({**kept, "db": ("Database", inputs)})
        stack.up()
        seen.append(stack.resource("db")["id"])
        assert list(there(plane)) == seen[-1:]
        stack.write(kept)
        stack.up()
        assert not there(plane)
    assert len(set(seen)) == 4


@pytest.mark.parametrize("delete_first", [False, True])
def test_a_replacement_with_a_crash(stack: Stack, plane: ControlPlane, admin: httpx.Client, delete_first: bool) -> None:
    options = {"deleteBeforeReplace": delete_first}
    stack.write({"db": ("Database", {"name": "once"}, options)})
    stack.up()
    old = stack.resource("db")["id"]
    stack.write({"db": ("Database", {"name": "once", "plan": "launch"}, options)})
    # While the old one is there, the arguments that it was made with are guessed at: `plan` was free, or left out.
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase", replays=1 if delete_first else 3)
    stack.up()
    assert made != old
    assert list(there(plane)) == [stack.resource("db")["id"]] == [made]
    stack.assert_no_changes()


def test_a_forced_replacement_gets_a_new_object(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    """The engine does not tell of the old one before, and the key is the old one's."""
    stack.write({"db": ("Database", {"name": "once"})})
    stack.up()
    old = stack.resource("db")["id"]
    stack.up("--target-replace", f"{URN}Database::db")
    new = stack.resource("db")["id"]
    assert list(there(plane)) == [new]
    assert new != old
    stack.run("state", "taint", f"{URN}Database::db", "--yes")
    made = made_and_killed(stack, plane, admin, "databases", "createDatabase", replays=2)
    assert made not in (old, new)
    stack.up()
    assert list(there(plane)) == [stack.resource("db")["id"]] == [made]


def test_two_stacks_with_the_same_names_share_nothing(
    new_stack: Callable[[str], Stack], plane: ControlPlane, admin: httpx.Client
) -> None:
    one, other = new_stack("one"), new_stack("other")
    for stack in (one, other):
        stack.write({"db": ("Database", {"name": "same"})})
    made = made_and_killed(one, plane, admin, "databases", "createDatabase")
    other.up()
    one.up()
    assert one.resource("db")["id"] == made
    assert {made, other.resource("db")["id"]} == set(there(plane))
    assert len(there(plane)) == 2


def test_there_and_back_within_the_day(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    for name in ("a", "b", "a", "b", "a"):
        stack.write({"db": ("Database", {"name": name})})
        stack.up()
        assert [each["name"] for each in there(plane).values()] == [name]


def test_keys_tell_nothing(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    stack.write({"db": ("Database", {"name": "telling"})})
    stack.up()
    asked = next(each for each in admin.get("/requests").json() if each["operation"] == "createDatabase")
    key = asked["headers"]["idempotency-key"]
    assert len(key) == 36
    assert "telling" not in key
