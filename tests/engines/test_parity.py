"""One stack, written for Pulumi in YAML and in Python, and for Terraform: the same calls to the API that change
anything, and the same objects come of it, down to the rows that the applied SQL wrote.

What only tries is not counted: Terraform plans a resource again while applying, as soon as its unknowns are known, so
an application is dry-run once more there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import ControlPlane
from support.objects import objects
from support.pulumi import Stack
from support.sdk import python_path
from support.terraform import Workspace

SQL = "CREATE TABLE IF NOT EXISTS log (who text); INSERT INTO log VALUES ({{who}});"
DATABASE = {"name": "orders", "plan": "launch", "connection_hard_limit": 12}
BLUEPRINT = {"name": "log", "sql_content": SQL, "variables": {"who": {"default": "nobody"}}}
ENDPOINT = {"url": "https://example.com/hook", "events": ["database.deleted"]}
# What is changed in the second round: in place, in place with a new version, by replacement.
CHANGES: dict[str, dict[str, Any]] = {
    "db": {"name": "renamed", "storage_hard_limit_gb": 2.5},
    "bp": {"sql_content": SQL + " SELECT 1;"},
    "hook": {"url": "https://example.com/other"},
}
_VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/|$)")


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: where it is deployed from, and what writes its program."""

    project: Stack | Workspace
    write: Callable[[Any, int], None]

    def deploy(self, round_: int) -> None:
        self.write(self.project, round_)
        if isinstance(self.project, Stack):
            self.project.preview()
            self.project.up()
        else:
            self.project.plan()
            self.project.apply("tfplan")

    def settled(self) -> None:
        """Nothing is left to do."""
        if isinstance(self.project, Stack):
            self.project.assert_no_changes()
        else:
            self.project.settled()


@pytest.fixture
def two() -> Iterator[tuple[ControlPlane, ControlPlane]]:
    arguments = ("--ephemeral", "--rate-limit", "0", "--pool-size", "3")
    with ControlPlane(*arguments) as one, ControlPlane(*arguments) as other:
        yield one, other


def arguments(round_: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"db": DATABASE, "bp": BLUEPRINT, "hook": ENDPOINT}
    return {name: {**given, **(CHANGES[name] if round_ else {})} for name, given in found.items()}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def write_pulumi(stack: Stack, round_: int) -> None:
    kinds = {"db": "Database", "bp": "Blueprint", "hook": "WebhookEndpoint"}
    resources: dict[str, Any] = {
        name: (kinds[name], {camel(key): value for key, value in given.items()})
        for name, given in arguments(round_).items()
    }
    application = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}", "blueprintVersion": "${bp.version}"}
    stack.write({**resources, "app": ("BlueprintApplication", application)})


def write_terraform(workspace: Workspace, round_: int) -> None:
    kinds = {"db": "database", "bp": "blueprint", "hook": "webhook_endpoint"}
    blocks = [
        f'resource "polykomos_{kinds[name]}" "it" {{\n'
        + "".join(f"  {key} = {json.dumps(value)}\n" for key, value in given.items())
        + "}\n"
        for name, given in arguments(round_).items()
    ]
    blocks.append("""
      resource "polykomos_blueprint_application" "it" {
        database_uuid     = polykomos_database.it.uuid
        blueprint_uuid    = polykomos_blueprint.it.uuid
        blueprint_version = polykomos_blueprint.it.version
      }
    """)
    workspace.write("".join(blocks))


def calls(plane: ControlPlane, seen: int) -> Counter[str]:
    """The calls since line `seen` that change something, without what is each run's own.

    A replacement on Pulumi begins with the key of the object that it replaces. That call is refused, and the one that
    asks whose the key was is answered with what was made then: neither changes anything.
    """
    found = Counter(
        f"{line['method']} {_VARIES.sub('…', line['path'])} {line['status']}"
        for line in plane.request_lines()[seen:]
        if line["method"] != "GET"
        and line["status"] != 409
        and not line["path"].endswith(("/blueprint_validations", "/blueprint_applications"))
    )
    made = "POST /api/v1/webhook_endpoints 201"
    return Counter({**found, made: 1}) if found[made] else found


def everything(plane: ControlPlane) -> dict[str, Any]:
    """What is there, down to what the applications wrote."""
    with plane.client() as api:
        written = [rows(api, each["uuid"]) for each in api.get("/databases").json()["data"]]
    return {**objects(plane), "rows": written}


def rows(api: httpx.Client, uuid: str) -> list[str]:
    """What the applications wrote."""
    with psycopg.connect(api.get(f"/databases/{uuid}").json()["data"]["connection_string"]) as connection:
        return [row[0] for row in connection.execute("SELECT who FROM log")]


def write_python(stack: Stack, round_: int) -> None:
    given = arguments(round_)
    resources = [
        f"{name} = polykomos.{kind}({name!r}, {', '.join(f'{key}={value!r}' for key, value in given[name].items())})"
        for name, kind in (("db", "Database"), ("bp", "Blueprint"), ("hook", "WebhookEndpoint"))
    ]
    application = "'app', database_uuid=db.uuid, blueprint_uuid=bp.uuid, blueprint_version=bp.version"
    program = ["import pulumi_polykomos as polykomos", *resources, f"polykomos.BlueprintApplication({application})"]
    (stack.directory / "__main__.py").write_text("\n".join(program))


def assert_same(plane: ControlPlane, other: ControlPlane, begun: tuple[int, int]) -> None:
    """The same calls since those lines of the two logs, and the same objects."""
    assert calls(plane, begun[0]) == calls(other, begun[1])
    assert everything(plane) == everything(other)


@pytest.mark.parametrize("language", ["terraform", "tofu", "python"])
def test_the_same_calls_and_objects(
    language: str,
    two: tuple[ControlPlane, ControlPlane],
    new_stack: Callable[..., Stack],
    new_workspace: Callable[..., Workspace],
    tmp_path: Path,
) -> None:
    """A stack in YAML beside the same one in another language."""
    one, other = two
    first, second = ({"POLYKOMOS_BASE_URL": each.base_url, "POLYKOMOS_API_KEY": each.api_key} for each in two)
    yaml = Side(new_stack(first), write_pulumi)
    beside: Side
    if language == "python":
        beside = Side(new_stack({**second, "PYTHONPATH": python_path()}, "python"), write_python)
    else:
        beside = Side(new_workspace(language, second), write_terraform)
    for round_ in range(2):
        begun = len(one.request_lines()), len(other.request_lines())
        yaml.deploy(round_)
        beside.deploy(round_)
        assert_same(one, other, begun)
    yaml.settled()
    beside.settled()
    begun = len(one.request_lines()), len(other.request_lines())
    yaml.project.destroy()
    beside.project.destroy()
    assert_same(one, other, begun)
