"""The dynamic provider on the real Pulumi CLI: the same lifecycle, and a state that holds a mere import path."""

from __future__ import annotations

import base64
import pickletools
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import SLOW_SECONDS, ControlPlane, create_database, database_names, new_key
from support.naming import unique
from support.pulumi import Stack

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pulumi-python-dynamic"
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
pulumi.export("numbers", pulumi.Output.all(db.port, db.warning_threshold_pct).apply(repr))
"""
ADOPTED = """
class Shop(pulumi.ComponentResource):
    def __init__(self) -> None:
        super().__init__("my:index:Shop", "shop")
        inside = pulumi.ResourceOptions(parent=self, import_="{id}")
        self.db = polykomos.Database("db", inside, name="{name}")

shop = Shop()
seen = polykomos.Database.get("seen", shop.db.id)
pulumi.export("seen", seen.name)
"""
LATE = """
in_time = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="4s"))
db = polykomos.Database("db", in_time, name="{name}")
pulumi.export("url", db.connection_string)
"""


@pytest.fixture
def new_program(new_stack: Callable[..., Stack]) -> Callable[..., Stack]:
    """Stacks of programs in Python."""
    return lambda env=None: new_stack(env, runtime="python")


def write(stack: Stack, program: str, **names: Any) -> None:
    (stack.directory / "__main__.py").write_text(HEAD + program.format(**names))


def pickled(provider: str) -> list[str]:
    """What a pickle refers to, and the operations that make something of it."""
    making = ("STACK_GLOBAL", "GLOBAL", "REDUCE", "BUILD", "NEWOBJ")
    return [
        argument if isinstance(argument, str) else op.name
        for op, argument, _ in pickletools.genops(base64.b64decode(provider))
        if isinstance(argument, str) or op.name in making
    ]


def test_four_resources_live(new_program: Callable[..., Stack], api: httpx.Client) -> None:
    stack = new_program()
    facts = {"name": unique("dyn"), "region": "us-east-1", "warn": 70, "word": unique("hush")}
    write(stack, FOUR, **facts)
    everything = {"schema": "create", "db": "create", "app": "create", "hook": "create"}
    assert stack.preview().ops == everything
    assert stack.up().ops == everything
    made = stack.outputs()
    assert made["url"].startswith("postgresql://")
    assert re.fullmatch(r"\[\d+, 70\]", made["numbers"]), "whole numbers stay whole"
    assert stack.up().ops == {}

    # What the state holds: secrets encrypted, and of the provider an import path and a name.
    files = [path.read_text() for path in (stack.directory / ".state").rglob("*.json*")]
    assert any('"connection_string"' in text for text in files)
    for secret in (made["url"], made["password"], made["hook"], facts["word"], stack.env["POLYKOMOS_API_KEY"]):
        assert not any(secret in text for text in files)
    providers = {
        resource["type"].rpartition(":")[2]: pickled(resource["inputs"]["__provider"])
        for resource in stack.state()["deployment"]["resources"]
        if resource["type"].startswith("pulumi-python:")
    }
    path = ("polykomos_provider.dynamic.providers", "provider", "STACK_GLOBAL")
    kinds = ("Blueprint", "Database", "BlueprintApplication", "WebhookEndpoint")
    assert providers == {kind: [*path, kind, "REDUCE"] for kind in kinds}

    # In place.
    id_ = made["uuid"]
    facts |= {"warn": 55}
    write(stack, FOUR, **facts)
    assert stack.up().ops == {"db": "update"}
    assert api.get(f"/databases/{id_}").json()["data"]["quotas"]["warning_threshold_pct"] == 55

    # Drift: shown by a refresh, and mended.
    patch = {"name": unique("elsewhere")}
    api.patch(f"/databases/{id_}", json=patch, headers=new_key()).raise_for_status()
    stack.refresh()
    assert stack.resource("db")["inputs"]["name"] == patch["name"]
    assert stack.up().ops == {"db": "update"}
    assert api.get(f"/databases/{id_}").json()["data"]["name"] == facts["name"]

    # Replaced, and what stands on it too.
    facts |= {"region": "eu-west-1"}
    write(stack, FOUR, **facts)
    replaced = stack.up().replaces
    assert (replaced["db"], replaced["app"]) == (["region"], ["database_uuid"])
    assert stack.outputs()["uuid"] != id_
    assert api.get(f"/databases/{id_}").status_code == 404

    # Deleted by somebody else.
    id_ = stack.outputs()["uuid"]
    api.delete(f"/databases/{id_}", headers=new_key()).raise_for_status()
    assert stack.up("--refresh").ops["db"] == "create"
    last = stack.outputs()["uuid"]
    assert last != id_
    stack.assert_no_changes()
    stack.destroy()
    assert api.get(f"/databases/{last}").status_code == 404


def test_the_example_runs_as_its_readme_says(new_program: Callable[..., Stack], control_plane: ControlPlane) -> None:
    stack = new_program()
    shutil.copytree(EXAMPLE, stack.directory, dirs_exist_ok=True)
    _preparations, steps = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    # A name of this run's own; and before all goes, a look at what the state holds of the key.
    steps = steps.replace("set name shop", f"set name {unique('shop')}")
    steps = steps.replace("pulumi destroy", "pulumi stack export > exported.json\npulumi destroy")
    done = subprocess.run(
        ["bash", "-euc", steps], cwd=stack.directory, env=stack.env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "postgresql://" in done.stdout
    exported = (stack.directory / "exported.json").read_text()
    assert '"polykomos:apiKey"' in exported, "the engine gives the host the stack's configuration"
    assert control_plane.api_key not in exported


def test_a_refusal_an_import_in_a_component_and_what_is_only_read(
    new_program: Callable[..., Stack], api: httpx.Client
) -> None:
    made = create_database(api, unique("adopt"))
    stack = new_program()
    write(stack, 'polykomos.Database("db", name=pulumi.Output.secret("{hush}"))', hush="HushHush")
    refused = stack.preview(ok=False).output
    assert "name: must be 1-63 lowercase letters" in refused
    assert "HushHush" not in refused, "the engine prints the values at the paths that it is told"
    write(stack, ADOPTED, id=made["uuid"], name=made["name"])
    stack.up()
    assert stack.resource("db")["id"] == made["uuid"]
    assert stack.outputs() == {"seen": made["name"]}
    stack.assert_no_changes()
    stack.destroy()
    assert api.get(f"/databases/{made['uuid']}").status_code == 404


def test_a_returned_id_is_saved_and_found_again_with_a_scope(
    new_program: Callable[..., Stack], slow: ControlPlane
) -> None:
    env = {"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key}
    stack = new_program({**env, "POLYKOMOS_IDEMPOTENCY_SCOPE": unique("scope")})
    name = unique("late")
    write(stack, LATE, name=name)
    failed = stack.up(ok=False)
    assert re.search(r"db: database \S+ is still provisioning", failed.output)
    assert any(re.match(r"provisioning, \d+ s", row) for row in failed.rows), "in the resource's row"
    kept = stack.resource("db")["id"]
    slow.advance(SLOW_SECONDS)
    resumed = stack.up()
    assert resumed.ops == {"db": "update"}
    assert stack.resource("db")["id"] == kept
    assert stack.outputs()["url"].startswith("postgresql://")

    # As after a crash between the answer and the writing of the state.
    stack.run("state", "delete", stack.resource("db")["urn"], "--yes")
    assert "adopted existing" in stack.up().output
    assert stack.resource("db")["id"] == kept
    assert database_names(slow).count(name) == 1
    stack.destroy()


APPLIED = """
schema = polykomos.Blueprint(
    "schema",
    name="{name}",
    sql_content="CREATE TABLE IF NOT EXISTS t (w text); INSERT INTO t VALUES ({{{{w}}}});{more}",
    variables={{"w": polykomos.BlueprintVariable(default="x")}},
)
db = polykomos.Database("db", name="{name}")
ignored = pulumi.ResourceOptions(ignore_changes={ignored})
of = {{"database_uuid": db.uuid, "blueprint_uuid": schema.uuid}}
app = polykomos.BlueprintApplication("app", ignored, **of, variables={{"w": "{word}"}})
pulumi.export("url", db.connection_string)
"""


def test_an_application_follows_its_variables_and_the_version_that_is_not_ignored(
    new_program: Callable[..., Stack], connection: dict[str, str]
) -> None:
    stack = new_program({**connection, "POLYKOMOS_IDEMPOTENCY_SCOPE": unique("scope")})
    facts: dict[str, Any] = {"name": unique("applied"), "more": "", "ignored": []}

    def words() -> list[str]:
        with psycopg.connect(stack.outputs()["url"]) as connected:
            return [row[0] for row in connected.execute("SELECT w FROM t ORDER BY w")]

    # There and back within the day: the first one was replaced, so it is not adopted.
    for word in ("a", "b", "a"):
        write(stack, APPLIED, **facts, word=word)
        stack.up()
    assert words() == ["a", "a", "b"]

    facts |= {"more": " SELECT 1;", "ignored": ["blueprint_version"]}
    write(stack, APPLIED, **facts, word="a")
    assert stack.up().ops == {"schema": "update"}
    stack.assert_no_changes()
    write(stack, APPLIED, **{**facts, "ignored": []}, word="a")
    assert stack.preview().replaces == {"app": ["blueprint_version"]}
    stack.destroy()


PROTECTED = """
schema = polykomos.Blueprint("schema", name="{name}", sql_content="CREATE TABLE t (n int);")
db = polykomos.Database("db", name="{name}", deletion_protection={protected})
polykomos.BlueprintApplication("app", database_uuid=db.uuid, blueprint_uuid=schema.uuid)
after = pulumi.ResourceOptions(depends_on=[db])
polykomos.WebhookEndpoint("hook", opts=after, url="https://hooks.example.com/{name}")
"""


def ids_in_state(stack: Stack) -> dict[str, str]:
    """The ids in the state, by the resources' names."""
    return {each["urn"].rpartition("::")[2]: each.get("id", "") for each in stack.state()["deployment"]["resources"]}


def test_a_protected_database_keeps_what_depends_on_it(new_program: Callable[..., Stack]) -> None:
    stack, name = new_program(), unique("dyn-kept")
    write(stack, PROTECTED, name=name, protected=True)
    stack.up()
    before = ids_in_state(stack)
    assert before.keys() >= {"schema", "db", "app", "hook"}
    refused = stack.destroy(ok=False)
    assert f"database {name}" in refused.output
    assert "so it deletes nothing" in refused.output
    assert ids_in_state(stack) == before
    # A program that declares none of them.
    write(stack, "")
    refused = stack.up(ok=False)
    assert "it depends on an object that must stay" in refused.output
    assert {"app", "hook", "db"} <= {
        each["urn"].rpartition("::")[2] for each in stack.state()["deployment"]["resources"]
    }
    write(stack, PROTECTED, name=name, protected=False)
    stack.up()
    stack.destroy()
