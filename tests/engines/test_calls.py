"""What a change costs in calls: none for what is known already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support import server_admin
from support.calls import counted
from support.control_plane import ControlPlane, wait_until
from support.pulumi import Stack


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """With databases ready to be handed out."""
    directory = str(tmp_path_factory.mktemp("calls") / "data")
    with ControlPlane("--data-dir", directory, "--rate-limit", "0", "--pool-size", "6") as plane:
        with server_admin.connect(plane) as connection:
            ready = "SELECT count(*) FROM pool_instances WHERE is_ready"
            wait_until(lambda: (connection.execute(ready).fetchone() or (0,))[0] >= 4, seconds=60)
        yield plane


@pytest.fixture
def connection(plane: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}


def test_each_change_is_one_call(stack: Stack, plane: ControlPlane) -> None:
    program: dict[str, Any] = {f"db{n}": ("Database", {"name": f"calls-{n}", "region": "eu-west-1"}) for n in range(3)}
    program["bp"] = ("Blueprint", {"name": "calls", "sqlContent": "SELECT 1"})
    for n in range(2):
        program[f"hook{n}"] = ("WebhookEndpoint", {"url": f"https://hooks.example.com/calls-{n}"})
    stack.write(program)
    with counted(plane) as calls:
        stack.preview()
    assert calls == {"getDatabaseTypes": 1, "createBlueprintValidation": 1}, "once for all three"
    with counted(plane) as calls:
        stack.up()
    assert calls == {
        "createDatabase": 3,
        "createBlueprint": 1,
        "createWebhookEndpoint": 2,
        "getMe": 1,  # the account that the state records
        "listWebhookEndpoints": 1,  # once for both: whether an interrupted run has left one at their addresses
    }

    password = stack.resource("db0")["outputs"]["dbPassword"]
    program["db0"] = ("Database", {"name": "renamed", "region": "eu-west-1"})
    program["db1"] = ("Database", {"name": "calls-1", "region": "eu-west-1", "connectionHardLimit": 7})
    program["bp"] = ("Blueprint", {"name": "calls", "sqlContent": "SELECT 2"})
    stack.write(program)
    with counted(plane) as calls:
        stack.up()
    assert calls == {"updateDatabase": 1, "updateDatabaseQuotas": 1, "updateBlueprint": 1}
    assert stack.resource("db0")["outputs"]["dbPassword"] == password, "replies mask it, the state keeps it"
    stack.refresh("--expect-no-changes")
    stack.assert_no_changes()


def test_many_applications_of_one_blueprint_ask_for_its_verdict_once(stack: Stack, plane: ControlPlane) -> None:
    program: dict[str, Any] = {"bp": ("Blueprint", {"name": "often", "sqlContent": "CREATE TABLE t (id int)"})}
    for n in range(6):
        program[f"db{n}"] = ("Database", {"name": f"often-{n}"})
        properties = {"databaseUuid": f"${{db{n}.uuid}}", "blueprintUuid": "${bp.uuid}"}
        program[f"run{n}"] = ("BlueprintApplication", properties)
    stack.write(program)
    with counted(plane) as calls:
        stack.up()
    assert calls["createDatabaseBlueprintApplication"] == 6
    # Those that begin together cannot know of each other's answers.
    assert calls["createBlueprintValidation"] + calls["getBlueprint"] + calls["listBlueprints"] <= 9, calls


def test_a_database_that_is_made_to_order_is_one_call_too(stack: Stack) -> None:
    stack.write({"db": ("Database", {"name": "cold"})})
    with ControlPlane("--ephemeral", "--pool-size", "0") as cold:
        stack.env |= {"POLYKOMOS_BASE_URL": cold.base_url, "POLYKOMOS_API_KEY": cold.api_key}
        with counted(cold) as calls:
            stack.up()
        assert calls == {"createDatabase": 1, "getMe": 1}
        assert stack.resource("db")["outputs"]["status"] == "active"
        stack.destroy()
