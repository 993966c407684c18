"""What Polnor's provider decides without a server: quotas, graphs of tasks, states."""

from __future__ import annotations

from typing import Any

import pytest

from polnor.api import API, Client, read_error
from polnor.package import Settings, package
from polnor.resources.job import Job
from resourcekit.http.credentials import bearer
from resourcekit.planning.validate import validate_declaration
from resourcekit.unknown import UNKNOWN
from support.scripted_server import ScriptedServer, answer

RESOURCES = {resource.name: resource for resource in package().resources}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("max_running_runs=10, current=10", "", "the quota max_running_runs is used up, 10 of 10"),
        ("Quota: max_endpoints=5, current=5", "quota", "the quota max_endpoints is used up, 5 of 5"),
        ("No such run.", "", "No such run."),
    ],
)
def test_only_a_quota_that_falls_by_itself_is_waited_for(text: str, code: str, message: str) -> None:
    read = read_error({"error": text})
    assert read.code == code
    assert message in read.message


@pytest.mark.parametrize("body", [None, [], {"error": {"text": "x"}}, {"message": "x"}])
def test_a_body_of_another_form_has_no_message(body: Any) -> None:
    assert read_error(body).message == ""


def test_two_equal_lines_of_a_bill_are_two() -> None:
    lines = [{"category": "sql", "total_cost": 1}] * 2
    with ScriptedServer([answer(200, {"data": lines})]) as server:
        client = Client(API, base_url=server.base_url, credentials=bearer("k"))
        assert list(client.iter_objects("/settings/billing/usage")) == lines


def test_a_login_from_files_is_taken_without_their_line_breaks() -> None:
    settings = Settings(email=" a@example.com\n", password=" secret \r\n")
    assert (settings.email, settings.password) == ("a@example.com", " secret ")
    with pytest.raises(ValueError, match="must not be empty"):
        Settings(password="\n")


def task(key: str, *depends_on: str) -> dict[str, Any]:
    return {"key": key, "command": "true", "depends_on": list(depends_on)}


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("a", "b"), task("b", "a")], "depend on each other in a circle"),
        ([task("a", "a")], "depend on each other in a circle"),
        ([task("a", "gone")], "`depends_on` names gone, which is the key of no task"),
        ([task("a"), task("a")], "two tasks have the same `key`"),
    ],
)
def test_a_graph_that_cannot_run_is_refused_in_the_plan(tasks: list[dict[str, Any]], message: str) -> None:
    (failure,) = Job().validate({"name": "x", "tasks": tasks})
    assert (failure.property, message in failure.reason) == ("tasks", True)


def test_an_unknown_graph_is_not_judged() -> None:
    assert not list(Job().validate({"name": "x", "tasks": UNKNOWN}))
    assert not list(Job().validate({"name": "x", "tasks": [{"key": UNKNOWN, "command": "true"}]}))
    assert not list(Job().validate({"name": "x"}))


@pytest.mark.parametrize(
    ("resource", "arguments", "property_"),
    [
        ("ComputeInstance", {"name": "a", "flavor": "x", "state": "paused"}, "state"),
        ("ComputeInstance", {"name": "a", "flavor": "x", "auto_stop": "5m"}, "auto_stop"),
        ("WarehouseState", {"warehouse_id": "wh_1", "state": "stopped"}, "state"),
        ("ServingEndpoint", {"name": "a", "model": "m", "version": 0}, "version"),
    ],
)
def test_a_wrong_argument_is_named(resource: str, arguments: dict[str, Any], property_: str) -> None:
    assert [each.property for each in validate_declaration(RESOURCES[resource], arguments).failures] == [property_]
