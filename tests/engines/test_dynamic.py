"""The dynamic provider on the real Pulumi CLI: the same lifecycle, and a state that holds a mere import path."""

from __future__ import annotations

import base64
import json
import pickletools
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.control_plane import SLOW_SECONDS, ControlPlane, create_database, database_names, new_key
from support.naming import unique
from support.pulumi import Stack

HEAD = "import pulumi\nfrom polykomos_provider import dynamic as polykomos\n\n"
FOUR = """
schema = polykomos.Blueprint(
    "schema",
    name="{name}",
    sql_content="CREATE TABLE t (n int DEFAULT {{{{n}}}}, word text DEFAULT {{{{word}}}});",
    variables={{"n": polykomos.BlueprintVariable(type="number", default=3), "word": polykomos.BlueprintVariable()}},
)
db = polykomos.Database("db", name="{name}", region="{region}", warning_threshold_pct={warn})
polykomos.BlueprintApplication(
    "app",
    database_uuid=db.uuid,
    blueprint_uuid=schema.uuid,
    blueprint_version=schema.version,
    variables=pulumi.Output.secret({{"n": 4, "word": "{word}"}}),
)
hook = polykomos.WebhookEndpoint("hook", url="https://hooks.example.com/{name}")
pulumi.export("url", db.connection_string)
pulumi.export("password", db.db_password)
pulumi.export("hook", hook.secret)
pulumi.export("uuid", db.uuid)
pulumi.export("types", pulumi.Output.all(db.port, db.warning_threshold_pct).apply(repr))
"""


@pytest.fixture
def new_program(new_stack: Callable[..., Stack]) -> Callable[..., Stack]:
    """Stacks of programs in Python."""

    def make(env: dict[str, str] | None = None) -> Stack:
        return new_stack(env, runtime="python")

    return make


def write(stack: Stack, program: str, **names: Any) -> None:
    (stack.directory / "__main__.py").write_text(HEAD + program.format(**names))


def pickled(provider: str) -> list[Any]:
    """What a pickle refers to and is made of: its strings, and the operations that could run code."""
    found = list(pickletools.genops(base64.b64decode(provider)))
    return [argument if isinstance(argument, str) else op.name for op, argument, _ in found if
            isinstance(argument, str) or op.name in ("STACK_GLOBAL", "GLOBAL", "REDUCE", "BUILD", "NEWOBJ")]  # fmt: skip


def test_four_resources_live(new_program: Callable[..., Stack], api: httpx.Client) -> None:
    stack = new_program()
    facts = {"name": unique("dyn"), "region": "us-east-1", "warn": 70, "word": unique("hush")}
    write(stack, FOUR, **facts)
    everything = {"schema": "create", "db": "create", "app": "create", "hook": "create"}
    assert stack.preview().ops == everything
    assert stack.up().ops == everything
    made = stack.outputs()
    assert made["url"].startswith("postgresql://")
    assert re.fullmatch(r"\[\d+, 70\]", made["types"]), "whole numbers stay whole"
    stack.assert_no_changes()
    assert stack.up().ops == {}

    # What the state holds: secrets encrypted, and of the provider an import path and a name.
    state = stack.state()
    text = json.dumps(state) + "".join(
        path.read_text() for path in stack.directory.rglob("*.json") if path.name != "events.json"
    )
    assert '"connection_string"' in text
    for secret in (made["url"], made["password"], made["hook"], facts["word"], stack.env["POLYKOMOS_API_KEY"]):
        assert secret not in text
    for resource in state["deployment"]["resources"]:
        if resource["type"].startswith("pulumi-python:"):
            kind = resource["type"].rpartition(":")[2]
            assert pickled(resource["inputs"]["__provider"]) == [
                "polykomos_provider.dynamic.providers", "provider", "STACK_GLOBAL", kind, "REDUCE"
            ]  # fmt: skip

    # In place.
    id_ = made["uuid"]
    facts |= {"warn": 55}
    write(stack, FOUR, **facts)
    assert stack.preview().ops["db"] == "update"
    assert stack.up().ops == {"db": "update"}
    assert api.get(f"/databases/{id_}").json()["data"]["quotas"]["warning_threshold_pct"] == 55
    stack.assert_no_changes()

    # Drift: shown by a refresh, and mended.
    patch = {"name": unique("elsewhere")}
    api.patch(f"/databases/{id_}", json=patch, headers=new_key()).raise_for_status()
    assert stack.refresh("--preview-only", "--expect-no-changes", ok=False).status != 0
    stack.refresh()
    assert stack.resource("db")["inputs"]["name"] == patch["name"]
    assert stack.up().ops == {"db": "update"}
    assert api.get(f"/databases/{id_}").json()["data"]["name"] == facts["name"]
    stack.refresh("--expect-no-changes")

    # Replaced, and what stands on it too.
    facts |= {"region": "eu-west-1"}
    write(stack, FOUR, **facts)
    assert "replace" in stack.preview().ops["db"]
    stack.up()
    assert stack.outputs()["uuid"] != id_
    assert api.get(f"/databases/{id_}").status_code == 404
    stack.assert_no_changes()

    # Deleted by somebody else.
    id_ = stack.outputs()["uuid"]
    api.delete(f"/databases/{id_}", headers=new_key()).raise_for_status()
    assert stack.up("--refresh").ops["db"] == "create"
    assert stack.outputs()["uuid"] != id_
    stack.assert_no_changes()
    last = stack.outputs()["uuid"]
    stack.destroy()
    assert api.get(f"/databases/{last}").status_code == 404


def test_what_is_refused_is_told_in_preview(new_program: Callable[..., Stack]) -> None:
    stack = new_program()
    write(stack, 'polykomos.Database("db", name="Upper")')
    failed = stack.preview(ok=False)
    assert "lowercase" in failed.output
    assert "name" in failed.output
    write(stack, 'polykomos.Database("db", name="lower", region="moon")')
    failed = stack.preview(ok=False)
    assert "region" in failed.output
    assert "us-east-1" in failed.output
    write(stack, 'polykomos.Blueprint("bad", name="bad", sql_content="CREATE TABEL t ();")')
    assert "TABEL" in stack.preview(ok=False).output

    name = unique("safe")
    write(stack, 'polykomos.Database("db", name="{name}", deletion_protection={on})', name=name, on=True)
    stack.up()
    write(stack, 'polykomos.Database("db", name="{name}", region="eu-west-1", deletion_protection=True)', name=name)
    assert "cannot replace" in stack.preview(ok=False).output
    assert "`deletion_protection`" in stack.destroy(ok=False).output
    write(stack, 'polykomos.Database("db", name="{name}", deletion_protection={on})', name=name, on=False)
    stack.up()
    stack.destroy()


def test_settings_come_from_the_stacks_configuration(
    new_program: Callable[..., Stack], control_plane: ControlPlane
) -> None:
    stack = new_program({"NO_PROXY": "127.0.0.1"})
    write(stack, 'polykomos.Blueprint("one", name="{name}", sql_content="SELECT 1")', name=unique("one"))
    failed = stack.preview(ok=False)
    assert "pulumi config set --secret polykomos:apiKey" in failed.output
    assert "POLYKOMOS_API_KEY" in failed.output
    stack.run("config", "set", "polykomos:baseUrl", control_plane.base_url)
    stack.run("config", "set", "--secret", "polykomos:apiKey", control_plane.api_key)
    stack.up()
    assert control_plane.api_key not in json.dumps(stack.state())
    stack.destroy()


def test_import_adopts_what_is_as_the_program_says(new_program: Callable[..., Stack], api: httpx.Client) -> None:
    name = unique("adopt")
    made = create_database(api, name)
    stack = new_program()
    program = 'polykomos.Database("db", pulumi.ResourceOptions(import_="{id}"), name="{name}")'
    write(stack, program, id=made["uuid"], name=unique("other"))
    failed = stack.up(ok=False)
    assert "cannot import" in failed.output
    assert "`name`" in failed.output
    write(stack, program, id=made["uuid"], name=name)
    stack.up()
    assert stack.resource("db")["id"] == made["uuid"]
    stack.assert_no_changes()
    stack.refresh("--expect-no-changes")
    stack.destroy()
    assert api.get(f"/databases/{made['uuid']}").status_code == 404


def test_a_wait_that_ran_out_of_time_fails_the_program_and_is_resumed(
    new_program: Callable[..., Stack], slow: ControlPlane
) -> None:
    stack = new_program({"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key})
    name = unique("late")
    write(
        stack,
        """
in_time = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2s"))
db = polykomos.Database("db", in_time, name="{name}")
pulumi.export("url", db.connection_string)
""",
        name=name,
    )
    failed = stack.up(ok=False)
    assert "db: database" in failed.output
    assert "still provisioning" in failed.output
    kept = stack.resource("db")["id"]
    resumed = stack.up()
    assert resumed.ops == {"db": "update"}
    assert any(re.match(r"provisioning, \d+ s", row) for row in resumed.rows), SLOW_SECONDS
    assert stack.resource("db")["id"] == kept
    assert database_names(slow).count(name) == 1
    assert stack.outputs()["url"].startswith("postgresql://")
    stack.assert_no_changes()
    stack.destroy()


def test_with_a_scope_what_no_state_knows_is_found_again(
    new_program: Callable[..., Stack], connection: dict[str, str], api: httpx.Client
) -> None:
    stack = new_program({**connection, "POLYKOMOS_IDEMPOTENCY_SCOPE": unique("scope")})
    write(stack, 'polykomos.Database("db", name="{name}")', name=unique("once"))
    stack.up()
    made = stack.resource("db")["id"]
    # As after a crash between the answer and the writing of the state.
    stack.run("state", "delete", stack.resource("db")["urn"], "--yes")
    assert "taken over" in stack.up().output
    assert stack.resource("db")["id"] == made
    stack.destroy()
    stack.up()
    assert stack.resource("db")["id"] != made, "what was destroyed is made anew"
    stack.destroy()
