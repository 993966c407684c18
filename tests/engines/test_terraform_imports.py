"""Objects and states from elsewhere, at the level of the protocol: imports as programs have it, and moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.control_plane import create_database, new_key
from support.naming import unique
from support.terraform import ENGINES, Workspace
from support.tfplugin import Plugin, errors, plain

DATABASE, BLUEPRINT = "polykomos_database", "polykomos_blueprint"
APPLICATION, ENDPOINT = "polykomos_blueprint_application", "polykomos_webhook_endpoint"
NOTHING = [b'["object",{}]', {}]
VARIABLE = {"type": None, "default": None, "required": None, "description": None}


def imported(plugin: Plugin, type_name: str, id_: str) -> dict[str, Any]:
    """The state after an import and the read that follows it."""
    reply = plugin.call("ImportResourceState", pb.ImportResourceState.Request(type_name=type_name, id=id_))
    assert not errors(reply), errors(reply)
    (found,) = reply.imported_resources
    request = pb.ReadResource.Request(type_name=type_name, current_state=found.state, private=found.private)
    read = plugin.call("ReadResource", request)
    assert not errors(read), errors(read)
    state: dict[str, Any] = plain(read.new_state)
    assert plain(found.identity.identity_data) == plain(read.new_identity.identity_data) == {"id": state["id"]}
    return state


def changes_nothing(plugin: Plugin, type_name: str, state: dict[str, Any], **given: Any) -> bool:
    """Whether a program that says this of an imported object has an empty plan."""
    reply = plugin.plan(type_name, plugin.object(type_name, **given), state)
    assert not errors(reply), errors(reply)
    return bool(plain(reply.planned_state) == state) and not reply.requires_replace


def blueprint(api: httpx.Client, **body: Any) -> str:
    reply = api.post("/blueprints", json={"name": unique("bp"), "sql_content": "SELECT 1;", **body}, headers=new_key())
    reply.raise_for_status()
    return str(reply.json()["data"]["uuid"])


def test_a_program_may_spell_what_it_may_leave_out(plugin: Plugin, api: httpx.Client) -> None:
    name = unique("spelled")
    database = create_database(api, name)["uuid"]
    state = imported(plugin, DATABASE, database.upper())
    assert (state["id"], state["uuid"]) == (database, database), "as the API spells it"
    for given in ({}, {"store_credentials": True}, {"store_credentials": True, "deletion_protection": False}):
        assert changes_nothing(plugin, DATABASE, state, name=name, **given)
    assert not changes_nothing(plugin, DATABASE, state, name=name, deletion_protection=True)

    sql = "SELECT {{v}};"
    definitions = {"v": {"default": "1"}}
    state = imported(plugin, BLUEPRINT, blueprint(api, name=name, sql_content=sql, variables=definitions))
    for variable in ({"default": "1"}, {"default": "1", "required": False}, {"default": "1", "type": "string"}):
        variables = {"v": {**VARIABLE, **variable}}
        assert changes_nothing(plugin, BLUEPRINT, state, name=name, sql_content=sql, variables=variables)
    variables = {"v": {**VARIABLE, "default": "1", "required": True}}
    assert not changes_nothing(plugin, BLUEPRINT, state, name=name, sql_content=sql, variables=variables)
    uuid = blueprint(api, name=name)
    state = imported(plugin, BLUEPRINT, uuid)
    for given in ({}, {"variables": {}}):
        assert changes_nothing(plugin, BLUEPRINT, state, name=name, sql_content="SELECT 1;", **given)

    made = plugin.create(APPLICATION, database_uuid=database, blueprint_uuid=uuid)
    state = imported(plugin, APPLICATION, made["id"])
    for given in ({}, {"variables": NOTHING}):
        assert changes_nothing(plugin, APPLICATION, state, database_uuid=database, blueprint_uuid=uuid, **given)

    made = plugin.create(ENDPOINT, url="https://example.com/spelled")
    state = imported(plugin, ENDPOINT, f"00{made['id']}")
    for given in ({}, {"events": []}):
        assert changes_nothing(plugin, ENDPOINT, state, url="https://example.com/spelled", **given)


def test_import_options_give_what_the_api_does_not_return(plugin: Plugin, api: httpx.Client) -> None:
    name = unique("told")
    database = create_database(api, name)["uuid"]
    state = imported(plugin, DATABASE, f"{database}?store_credentials=false&deletion_protection=true")
    assert (state["db_password"], state["connection_string"], state["db_name"]) == (None, None, name)
    given = {"store_credentials": False, "deletion_protection": True}
    assert changes_nothing(plugin, DATABASE, state, name=name, **given)
    assert imported(plugin, DATABASE, f"{database}?deletion_protection=true")["db_password"]

    uuid = blueprint(api, sql_content="SELECT {{v}};", variables={"v": {}})
    secret = [b'["object",{"v":"string"}]', {"v": "hush-hush"}]
    made = plugin.create(APPLICATION, database_uuid=database, blueprint_uuid=uuid, variables_wo=secret)
    state = imported(plugin, APPLICATION, f"{made['id']}?variables=null")
    assert "hush-hush" not in str(state)
    given = {"database_uuid": database, "blueprint_uuid": uuid}
    assert changes_nothing(plugin, APPLICATION, state, **given, variables_wo=secret)
    config = plugin.object(APPLICATION, **given, variables_wo=secret, variables_wo_version=1)
    for before in (state, imported(plugin, APPLICATION, made["id"])):
        reply = plugin.plan(APPLICATION, config, before)
        assert not reply.requires_replace, "its SQL has run"
        assert plain(reply.planned_state) == {**state, "variables": None, "variables_wo_version": 1}

    for type_name, wrong in (
        (DATABASE, f"{database}?name=x"),
        (DATABASE, f"{database}?store_credentials=maybe"),
        (APPLICATION, f"{made['id']}?variables=false"),
        (BLUEPRINT, f"{uuid}?wait=true"),
    ):
        request = pb.ImportResourceState.Request(type_name=type_name, id=wrong)
        (refused,) = errors(plugin.call("ImportResourceState", request))
        assert "is not an option of this import" in refused
    request = pb.ImportResourceState.Request(type_name=DATABASE, id="nope")
    assert "a database's id is its UUID" in errors(plugin.call("ImportResourceState", request))[0]


def move(plugin: Plugin, source: str, target: str, **kept: str) -> pb.MoveResourceState.Response:
    request = pb.MoveResourceState.Request(
        source_provider_address="registry.terraform.io/someone/rest", source_type_name=source,
        source_state=pb.RawState(json=json.dumps(kept).encode()), target_type_name=target,
    )  # fmt: skip
    reply: pb.MoveResourceState.Response = plugin.call("MoveResourceState", request)
    return reply


def test_moving_from_a_generic_provider(plugin: Plugin, api: httpx.Client) -> None:
    name = unique("moved")
    database, other = create_database(api, name)["uuid"], blueprint(api, name=name)
    hook = plugin.create(ENDPOINT, url=f"https://example.com/{name}")["id"]
    for target, collection, id_, given in (
        (DATABASE, "databases", database, {"name": name}),
        (BLUEPRINT, "blueprints", other, {"name": name, "sql_content": "SELECT 1;"}),
        (ENDPOINT, "webhook_endpoints", hook, {"url": f"https://example.com/{name}"}),
    ):
        for moved in (
            move(plugin, "restful_resource", target, id=f"/api/v1/{collection}/{id_}"),
            move(plugin, "restful_resource", target, id=f"/api/v1/{collection}/{id_}?wait=true", path="/x"),
            move(plugin, "restapi_object", target, id=id_, path=f"/api/v1/{collection}/"),
            move(plugin, "restapi_object", target, id=id_),
            move(plugin, "some_other_object", target, id=f"https://polykomos.com/api/v1/{collection}/{id_}"),
        ):
            assert not errors(moved), errors(moved)
            state = plain(plugin.read(target, plain(moved.target_state)).new_state)
            assert state["id"] == id_
            assert changes_nothing(plugin, target, state, **given)


@pytest.mark.parametrize(
    ("source", "target", "kept", "told"),
    [
        ("restful_resource", DATABASE, {"id": "/blueprints/9a7c1f7e-0000-4000-8000-000000000000"}, "'blueprints'"),
        ("restapi_object", BLUEPRINT, {"id": "9a7c1f7e-0000-4000-8000-000000000000", "path": "/databases"}, "of 'dat"),
        ("restful_resource", DATABASE, {"id": "/databases/7"}, "is its UUID"),
        ("restful_resource", ENDPOINT, {"id": "/webhook_endpoints/x"}, "which is a number"),
        ("restful_resource", DATABASE, {"id": "/databases/"}, "is its UUID"),
        ("restful_resource", DATABASE, {}, "has no 'id'"),
        ("restful_resource", APPLICATION, {"id": "/blueprint_applications/7"}, "import it instead"),
        ("aws_db_instance", DATABASE, {"id": "db-1"}, "import it instead"),
    ],
)
def test_what_cannot_be_moved(plugin: Plugin, source: str, target: str, kept: dict[str, str], told: str) -> None:
    assert told in errors(move(plugin, source, target, **kept))[0]


@pytest.mark.parametrize("type_name", [DATABASE, BLUEPRINT, ENDPOINT, APPLICATION])
def test_moving_from_another_address_of_this_provider(plugin: Plugin, type_name: str) -> None:
    """Field report B3: a provider from another registry, or another local name, hands all of its state over."""
    name = unique("address")
    database, other = plugin.create(DATABASE, name=name), plugin.create(BLUEPRINT, name=name, sql_content="SELECT 1")
    given = {
        DATABASE: {"name": name, "deletion_protection": True, "connection_hard_limit": 3},
        BLUEPRINT: {"name": name, "sql_content": "SELECT 1", "variables": {}},
        ENDPOINT: {"url": f"https://example.com/{name}"},
        APPLICATION: {"database_uuid": database["uuid"], "blueprint_uuid": other["uuid"]},
    }[type_name]
    config = plugin.object(type_name, **given)
    made = plugin.apply(type_name, config, plugin.plan(type_name, config))
    state = plain(made.new_state)
    request = pb.MoveResourceState.Request(
        source_provider_address="registry.terraform.io/someone/polykomos", source_type_name=type_name,
        source_state=pb.RawState(json=json.dumps(state).encode()), source_private=made.private,
        source_identity=pb.RawState(json=json.dumps({"id": state["id"]}).encode()), target_type_name=type_name,
    )  # fmt: skip
    moved = plugin.call("MoveResourceState", request)
    assert not errors(moved)
    assert plain(moved.target_state) == state, "also what no API tells: a secret, `deletion_protection`"
    assert moved.target_private == made.private, "an argument that is taken out later is still known as given"
    assert plain(moved.target_identity.identity_data) == {"id": state["id"]}
    request.source_schema_version = 7
    assert "newer release" in errors(plugin.call("MoveResourceState", request))[0]
    request.source_schema_version = 0
    request.source_state.json = b'{"name": "without id"}'
    assert errors(plugin.call("MoveResourceState", request))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_moved_block_between_two_addresses(
    engine: str, new_workspace: Callable[..., Workspace], connection: dict[str, str]
) -> None:
    workspace = new_workspace(engine)
    installation = (workspace.directory / "cli.tfrc").read_text()
    directory = installation.partition('"polykomos/polykomos" = "')[2].partition('"')[0]
    both = f'dev_overrides {{\n  "polykomos/polykomos" = "{directory}"\n  "fork/polykomos" = "{directory}"\n}}'
    (workspace.directory / "cli.tfrc").write_text(f"provider_installation {{\n{both}\ndirect {{}}\n}}\n")
    preamble = (workspace.directory / "provider.tf").read_text()
    name = unique("fork")
    resource = f'resource "polykomos_database" "%s" {{\n  name = "{name}"\n  deletion_protection = true\n}}\n'
    (workspace.directory / "provider.tf").write_text(preamble.replace("polykomos/polykomos", "fork/polykomos"))
    workspace.write(resource % "old")
    workspace.apply()
    before = workspace.resource("polykomos_database.old")
    (workspace.directory / "provider.tf").write_text(preamble)
    moved = "moved {\n  from = polykomos_database.old\n  to = polykomos_database.new\n}\n"
    workspace.write(resource % "new" + moved)
    assert workspace.plan().actions == {}
    workspace.apply("tfplan")
    assert workspace.resource("polykomos_database.new") == before
    workspace.settled()
    workspace.write((resource % "new").replace("true", "false"))
    workspace.apply()
    workspace.destroy()
