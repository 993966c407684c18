"""What only Terraform 1.16 does, by the real one: queries, generated configuration, actions, `destroy = false`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import create_database, new_key, wait_until
from support.naming import unique
from support.receiver import Receiver
from support.terraform import NEWEST, Workspace

ADOPT = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "adopt-existing.md"
LISTS = "".join(
    f'list "polykomos_{kind}" "all" {{\n  provider = polykomos\n}}\n'
    for kind in ("database", "blueprint", "webhook_endpoint")
)


@pytest.fixture
def newest(new_attached_workspace: Callable[[str], Workspace]) -> Workspace:
    return new_attached_workspace(NEWEST)


@pytest.fixture
def objects(api: httpx.Client) -> Iterator[dict[str, str]]:
    """Two databases with their plan's limits, one with a limit of its own; a blueprint and an endpoint: id by name.

    Hardly any other test leaves databases of this plan, of which most must have the plan's own limits.
    """
    names = {name: unique(name) for name in ("plain", "other", "limited", "listed")}
    ids = {key: create_database(api, names[key], plan="grow")["uuid"] for key in ("plain", "other")}
    limited = {"name": names["limited"], "plan": "grow", "connection_hard_limit": 7}
    made = api.post("/databases", params={"wait": True}, json=limited, headers=new_key())
    ids["limited"] = made.json()["data"]["uuid"]
    bodies = {
        "blueprints": {"name": names["listed"], "sql_content": "SELECT 1"},
        "webhook_endpoints": {"url": f"https://hooks.example.com/{names['listed']}"},
    }
    for path, body in bodies.items():
        made = api.post(f"/{path}", json=body, headers=new_key()).json()["data"]
        ids[path] = str(made.get("uuid", made.get("id")))
    yield ids
    for key in ("plain", "other", "limited"):
        api.delete(f"/databases/{ids[key]}", headers=new_key())


def documented_sed() -> str:
    """The command of the how-to page that removes the null lines."""
    (command,) = re.findall(r"^sed .*$", ADOPT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(command)


def resource_blocks(text: str) -> dict[str, str]:
    """The body of each generated resource by the id that its import block names."""
    found = re.findall(r'resource "(\w+)" "(\w+)" \{\n(.*?)\n\}\n\nimport \{(.*?)\n\}', text, re.DOTALL)
    assert all(f"to       = {type_}.{label}\n" in block for type_, label, _, block in found)
    return {re.search(r'id = "(.*?)"', block)[1]: body for _, _, body, block in found}  # type: ignore[index]


def test_a_query_generates_what_imports_without_a_change(newest: Workspace, objects: dict[str, str]) -> None:
    newest.write(LISTS, "all.tfquery.hcl")
    shown = newest.run("query", "-generate-config-out=adopted.tf").output
    assert all(id_ in shown for id_ in objects.values())
    subprocess.run(["sh", "-c", documented_sed()], cwd=newest.directory, check=True)
    text = (newest.directory / "adopted.tf").read_text()
    blocks = resource_blocks(text)
    assert not any("null" in blocks[id_] for id_ in objects.values())
    arguments = {id_: re.findall(r"^  (\w+) +=", blocks[id_], re.MULTILINE) for id_ in objects.values()}
    identifying = ["provider", "db_type", "name", "plan", "region", "team_id"]
    assert sorted(arguments[objects["plain"]]) == sorted(identifying), "the plan's own limits are not pinned"
    assert sorted(arguments[objects["limited"]]) == sorted(["connection_hard_limit", *identifying])
    assert sorted(arguments[objects["blueprints"]]) == ["name", "provider", "sql_content"]
    assert sorted(arguments[objects["webhook_endpoints"]]) == ["provider", "url"]
    planned = newest.plan()
    assert (planned.actions, len(planned.imports)) == ({}, len(blocks)), planned.diagnostics
    newest.apply("tfplan")
    newest.settled()
    state = json.loads(newest.state_text)
    identities = [instance["identity"]["id"] for each in state["resources"] for instance in each["instances"]]
    assert sorted(identities) == sorted(blocks)


ACTIONS = """
resource "polykomos_webhook_endpoint" "hook" {{
  url = "{url}"
  lifecycle {{
    action_trigger {{
      events  = [after_create]
      actions = [action.polykomos_webhook_test.ping]
    }}
  }}
}}
action "polykomos_webhook_test" "ping" {{
  config {{ endpoint_id = caller.id }}
}}
action "polykomos_webhook_test" "by_hand" {{
  config {{ endpoint_id = polykomos_webhook_endpoint.hook.id }}
}}
resource "polykomos_database" "db" {{ name = "{name}" }}
action "polykomos_run_query" "tables" {{
  config {{
    database_uuid = polykomos_database.db.uuid
    query         = "How many tables are there?"
  }}
}}
action "polykomos_run_query" "unclear" {{
  config {{
    database_uuid = polykomos_database.db.uuid
    query         = "How many?"
  }}
}}
"""


def messages(events: list[dict[str, Any]], type_: str) -> list[str]:
    return [event["@message"] for event in events if event["type"] == type_]


def pings(receiver: Receiver) -> list[dict[str, Any]]:
    return [request.content for request in receiver.received if request.content["event"] == "ping"]


def test_actions_are_triggered_and_invoked(newest: Workspace) -> None:
    with Receiver() as receiver:
        receiver.gate.clear()
        newest.write(ACTIONS.format(url=receiver.url, name=unique("acted")))
        process = newest.start("apply", "-json", "-auto-approve")
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "sending a ping" in line:
                break
        # The ping is still unanswered, and the first message is here.
        assert not any("was accepted" in line for line in lines)
        wait_until(lambda: len(pings(receiver)) == 1)
        receiver.gate.set()
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
        assert "the ping was accepted with HTTP 204" in rest
        assert '"action_complete"' in rest
        newest.settled()
        invoked = newest.apply("-invoke=action.polykomos_webhook_test.by_hand")
        assert invoked.done == {}
        # The endpoint also gets the events of a database that was created after it.
        wait_until(lambda: len(pings(receiver)) == 2)
    invoked = newest.apply("-invoke=action.polykomos_run_query.tables")
    assert any("SELECT COUNT(*)" in text for text in messages(invoked.events, "action_progress"))
    failed = newest.apply("-invoke=action.polykomos_run_query.unclear", ok=False)
    assert "was not understood" in failed.diagnostics
    assert messages(failed.events, "action_errored")
    newest.destroy()


CHILD = """
terraform {{
  required_providers {{
    polykomos = {{ source = "polykomos/polykomos" }}
  }}
}}
import {{
  to       = polykomos_database.db
  identity = {{ id = "{id}" }}
}}
resource "polykomos_database" "db" {{
  name = "{name}"
  plan = "{plan}"
  lifecycle {{ destroy = false }}
}}
"""


def test_an_import_in_a_module_and_an_object_that_is_not_to_be_destroyed(
    newest: Workspace, api: httpx.Client, objects: dict[str, str]
) -> None:
    child = newest.directory / "child"
    child.mkdir()
    name = api.get(f"/databases/{objects['plain']}").json()["data"]["name"]
    newest.write('module "child" { source = "./child" }')

    def declare(plan: str) -> None:
        (child / "main.tf").write_text(CHILD.format(id=objects["plain"], name=name, plan=plan))

    declare("grow")
    newest.run("init")
    planned = newest.plan()
    assert (planned.imports, planned.actions) == ({"module.child.polykomos_database.db"}, {})
    newest.apply("tfplan")
    newest.settled()
    # A replacement forgets the old object.
    declare("launch")
    newest.apply()
    replacement = newest.resource("module.child.polykomos_database.db")["uuid"]
    newest.destroy()
    assert newest.resources() == {}
    for id_ in (objects["plain"], replacement):
        assert api.get(f"/databases/{id_}").json()["data"]["status"] == "active"
    api.delete(f"/databases/{replacement}", headers=new_key())
