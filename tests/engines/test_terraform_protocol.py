"""The provider's process at the level of the protocol: what newer engines ask, and what none should."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import httpx
import msgpack
import psycopg
import pytest

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.control_plane import SLOW, ControlPlane, create_database, new_key, wait_until
from support.naming import unique
from support.needs import require_mariadb
from support.receiver import Receiver
from support.tfplugin import COOKIE, PROGRAM, UNKNOWN, Plugin, errors, paths, plain, value

DATABASE, BLUEPRINT = "polykomos_database", "polykomos_blueprint"
APPLICATION, ENDPOINT = "polykomos_blueprint_application", "polykomos_webhook_endpoint"
CREDENTIALS = "polykomos_database_credentials"


# The process


def test_without_the_cookie_it_says_what_it_is() -> None:
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 1
    assert "the engine starts it" in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_an_engine_of_another_protocol_version_gets_an_error() -> None:
    env = {**os.environ, **COOKIE, "PLUGIN_PROTOCOL_VERSIONS": "4,5"}
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert "protocol 6" in done.stderr


def test_debug_prints_how_to_attach() -> None:
    with subprocess.Popen([PROGRAM, "--debug"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, text = process.stdout.readline().strip().partition("=")
        attached = json.loads(text.strip("'"))["registry.terraform.io/polykomos/polykomos"]
        assert name == "TF_REATTACH_PROVIDERS"
        assert (attached["Protocol"], attached["ProtocolVersion"], attached["Pid"]) == ("grpc", 6, process.pid)
        assert oct(Path(attached["Addr"]["String"]).parent.stat().st_mode)[-3:] == "700"
        process.terminate()
        assert process.wait(60) == 0


def test_only_the_user_may_open_the_plugins_socket(plugin: Plugin) -> None:
    assert plugin.handshake[:3] + plugin.handshake[4:5] == ["1", "6", "unix", "grpc"]
    assert oct(plugin.socket.parent.stat().st_mode)[-3:] == "700"


def test_unset_and_unknown_settings(connection: dict[str, str]) -> None:
    with Plugin({"POLYKOMOS_BASE_URL": connection["POLYKOMOS_BASE_URL"]}) as running:
        config = value(running.configuration())
        refused = running.call("ValidateProviderConfig", pb.ValidateProviderConfig.Request(config=config))
        assert "POLYKOMOS_API_KEY" in errors(refused)[0]
        assert paths(refused) == [["api_key"]]
        config = value(running.configuration(api_key=UNKNOWN))
        assert not errors(running.call("ConfigureProvider", pb.ConfigureProvider.Request(config=config)))
        planned = running.plan(DATABASE, running.object(DATABASE, name="later"))
        assert not errors(planned), "plans go on without the API"
        applied = running.apply(DATABASE, running.object(DATABASE, name="later"), planned)
        assert "settings are not known yet" in errors(applied)[0]
        assert plain(applied.new_state) is None


# Lists, identities and generated programs (Terraform 1.14 and 1.12)


def listed(plugin: Plugin, type_name: str, **given: int | bool) -> list[pb.ListResource.Event]:
    return plugin.stream("ListResource", pb.ListResource.Request(type_name=type_name, config=value({}), **given))  # type: ignore[arg-type]


def test_lists_lead_to_programs_that_change_nothing(plugin: Plugin, api: httpx.Client) -> None:
    name = unique("listed")
    for each in (name, unique("second")):
        create_database(api, each)
    body = {"name": name, "sql_content": "SELECT {{n}}", "variables": {"n": {"type": "number", "default": 1}}}
    for _ in range(2):
        api.post("/blueprints", json=body, headers=new_key()).raise_for_status()
    hook = {"url": f"https://example.com/{name}", "events": ["database.deleted"]}
    for _ in range(2):
        api.post("/webhook_endpoints", json=hook, headers=new_key()).raise_for_status()
    assert plain(listed(plugin, DATABASE, include_resource_object=True)[0].resource_object)["connection_string"] is None
    for type_name in (DATABASE, BLUEPRINT, ENDPOINT):
        assert not errors(
            plugin.call("ValidateListResourceConfig", pb.ValidateListResourceConfig.Request(type_name=type_name))
        )
        events = listed(plugin, type_name, include_resource_object=True)
        assert not any(event.diagnostic for event in events)
        found = next(event for event in events if name in event.display_name)
        state = plain(found.resource_object)
        assert plain(found.identity.identity_data) == {"id": state["id"]}
        made = plugin.call(
            "GenerateResourceConfig",
            pb.GenerateResourceConfig.Request(type_name=type_name, state=found.resource_object),
        )
        config = plain(made.config)
        request = pb.ValidateResourceConfig.Request(type_name=type_name, config=made.config)
        assert not errors(plugin.call("ValidateResourceConfig", request))
        read = plain(plugin.read(type_name, {**dict.fromkeys(state), "id": state["id"]}).new_state)
        planned = plugin.plan(type_name, config, read)
        assert not errors(planned)
        assert plain(planned.planned_state) == read, "nothing to change"
        assert not any(event.HasField("resource_object") for event in listed(plugin, type_name))
        assert len(listed(plugin, type_name, limit=1)) == 1


def test_an_identity_imports(plugin: Plugin) -> None:
    made = plugin.create(DATABASE, name=unique("identified"))
    identity = pb.ResourceIdentityData(identity_data=value({"id": made["id"]}))
    request = pb.ImportResourceState.Request(type_name=DATABASE, identity=identity)
    (imported,) = plugin.call("ImportResourceState", request).imported_resources
    read = plugin.read(DATABASE, plain(imported.state))
    assert plain(read.new_state)["uuid"] == made["uuid"]
    assert plain(read.new_identity.identity_data) == {"id": made["id"]}
    config = plugin.object(DATABASE, name=made["name"])
    assert plain(plugin.plan(DATABASE, config, plain(read.new_state)).planned_state) == plain(read.new_state)
    raw = pb.RawState(json=json.dumps({"id": made["id"]}).encode())
    upgraded = plugin.call(
        "UpgradeResourceIdentity", pb.UpgradeResourceIdentity.Request(type_name=DATABASE, raw_identity=raw)
    )
    assert plain(upgraded.upgraded_identity.identity_data) == {"id": made["id"]}


# Actions (Terraform 1.14)


def invoke(plugin: Plugin, action: str, **config: object) -> tuple[list[str], list[str]]:
    """What it told while it went on, and its errors."""
    assert not errors(plugin.call("PlanAction", pb.PlanAction.Request(action_type=action, config=value(config))))
    events = plugin.stream("InvokeAction", pb.InvokeAction.Request(action_type=action, config=value(config)))
    assert [event.WhichOneof("type") for event in events][-1] == "completed"
    return [each.progress.message for each in events[:-1]], errors(events[-1].completed)


def test_the_action_that_tests_a_webhook(plugin: Plugin) -> None:
    with Receiver() as receiver:
        made = plugin.create(ENDPOINT, url=receiver.url)
        told, failed = invoke(plugin, "polykomos_webhook_test", endpoint_id=made["id"])
        sending = f"sending a ping to webhook endpoint {made['id']}"
        assert (told, failed) == ([sending, "the ping was accepted with HTTP 204"], [])
    _, failed = invoke(plugin, "polykomos_webhook_test", endpoint_id=made["id"])
    assert "was not accepted" in failed[0]
    _, failed = invoke(plugin, "polykomos_webhook_test", endpoint_id="999999")
    assert "does not exist" in failed[0]


def test_the_action_that_queries(plugin: Plugin) -> None:
    made = plugin.create(DATABASE, name=unique("asked"))
    told, failed = invoke(plugin, "polykomos_run_query", database_uuid=made["uuid"], query="How many tables are there?")
    assert failed == []
    assert "SELECT COUNT(*)" in " ".join(told)
    _, failed = invoke(plugin, "polykomos_run_query", database_uuid=made["uuid"], query="How many?")
    assert "was not understood" in failed[0]
    _, failed = invoke(plugin, "polykomos_run_query", database_uuid=made["uuid"], query="DROP TABLE orders")
    assert "was not run" in failed[0]
    request = pb.ValidateActionConfig.Request(
        action_type="polykomos_run_query", config=value({"database_uuid": made["uuid"], "query": "x" * 2001})
    )
    assert "2000" in errors(plugin.call("ValidateActionConfig", request))[0]


# Planning


def test_an_unknown_plan_causes_a_warning(plugin: Plugin) -> None:
    """The documents differ in which there are (api-facts C1), so it is no error."""
    for plan, told in (
        ("lanch", "did you mean `launch`?"),
        ("enterprise", "this provider knows are `free`"),
        ("pro", ""),
    ):
        reply = plugin.plan(DATABASE, plugin.object(DATABASE, name="planned", plan=plan))
        assert not errors(reply)
        assert paths(reply) == ([["plan"]] if told else [])
        assert told in "".join(each.summary for each in reply.diagnostics)


@pytest.mark.parametrize(("type_name", "other"), [(DATABASE, "name"), (BLUEPRINT, "slug")])
def test_what_identifies_an_object_is_checked_while_validating(plugin: Plugin, type_name: str, other: str) -> None:
    schema = plugin.call("GetProviderSchema")
    names = [each.name for each in schema.data_source_schemas[type_name].block.attributes]
    sides = {"uuid": "9a7c1f7e-0000-4000-8000-000000000000", other: "x"}
    for given, right in (({}, False), (sides, False), ({other: "x"}, True), ({**sides, other: UNKNOWN}, True)):
        config = value({**dict.fromkeys(names), **given})
        request = pb.ValidateDataResourceConfig.Request(type_name=type_name, config=config)
        found = plugin.call("ValidateDataResourceConfig", request)
        assert errors(found) == ([] if right else [f"Invalid value for uuid: set exactly one of `uuid` and `{other}`"])
    attributes = schema.ephemeral_resource_schemas[CREDENTIALS].block.attributes
    config = value(dict.fromkeys(each.name for each in attributes))
    request = pb.ValidateEphemeralResourceConfig.Request(type_name=CREDENTIALS, config=config)
    assert "exactly one" in errors(plugin.call("ValidateEphemeralResourceConfig", request))[0]


@pytest.mark.parametrize(
    ("type_name", "key"),
    [(BLUEPRINT, "uuid"), (BLUEPRINT, "slug")]
    + [(type_name, key) for type_name in (DATABASE, CREDENTIALS) for key in ("uuid", "name")],
)
def test_what_is_found_by_one_key_has_the_others(plugin: Plugin, api: httpx.Client, type_name: str, key: str) -> None:
    """Field report C1: the other keys are filled in, whichever the object was found by."""
    schema = plugin.call("GetProviderSchema")
    schemas = {**schema.data_source_schemas, **schema.ephemeral_resource_schemas}
    attributes = {each.name: each for each in schemas[type_name].block.attributes}
    keys = {name for name, each in attributes.items() if each.optional}
    assert all(attributes[name].computed for name in keys)
    if type_name == BLUEPRINT:
        body = {"name": unique("keys"), "sql_content": "SELECT 1;"}
        made = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
    else:
        made = create_database(api, unique("keys"))
    config = value({**dict.fromkeys(attributes), key: made[key]})
    if type_name == CREDENTIALS:
        reply = plugin.call(
            "OpenEphemeralResource", pb.OpenEphemeralResource.Request(type_name=type_name, config=config)
        )
        found = plain(reply.result)
    else:
        reply = plugin.call("ReadDataSource", pb.ReadDataSource.Request(type_name=type_name, config=config))
        found = plain(reply.state)
    assert not errors(reply)
    assert {name: found[name] for name in keys} == {name: made[name] for name in keys}


def test_what_makes_a_new_object(plugin: Plugin, api: httpx.Client) -> None:
    require_mariadb()
    database = create_database(api, unique("first"))["uuid"]
    body = {"name": unique("first"), "sql_content": "SELECT 1;"}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    given = {"database_uuid": database, "blueprint_uuid": blueprint}
    made = plugin.create(APPLICATION, **given)
    stored = plugin.create(DATABASE, name=unique("second"))
    for type_name, before, change in (
        (APPLICATION, made, {"database_uuid": stored["uuid"]}),
        (APPLICATION, made, {"blueprint_uuid": UNKNOWN}),
        (APPLICATION, made, {"variables": [b'["object",{"v":"bool"}]', {"v": True}]}),
        (DATABASE, stored, {"db_type": "mysql"}),
        (DATABASE, stored, {"team_id": 2}),
    ):
        program = {**(given if type_name == APPLICATION else {"name": stored["name"]}), **change}
        reply = plugin.plan(type_name, plugin.object(type_name, **program), before)
        assert not errors(reply)
        assert [each.steps[0].attribute_name for each in reply.requires_replace] == list(change)


# States from elsewhere


def test_states_of_other_releases(plugin: Plugin) -> None:
    def upgrade(kept: bytes, version: int = 0) -> pb.UpgradeResourceState.Response:
        request = pb.UpgradeResourceState.Request(type_name=DATABASE, version=version, raw_state=pb.RawState(json=kept))
        return plugin.call("UpgradeResourceState", request)

    made = plugin.create(DATABASE, name=unique("kept"), storage_hard_limit_gb="0.1")
    older = {key: each for key, each in made.items() if key not in ("timeouts", "store_credentials")}
    older |= {"gone": 1, "storage_hard_limit_gb": 0.1}
    upgraded = plain(upgrade(json.dumps(older).encode()).upgraded_state)
    assert set(upgraded) == set(made)
    assert (upgraded["uuid"], upgraded["storage_hard_limit_gb"]) == (made["uuid"], "0.1")
    assert "newer release" in errors(upgrade(b"{}", version=9))[0]
    for broken in (b"{", b"[]", b'{"name": 1e9999}', b'{"port": "many"}'):
        assert errors(upgrade(broken)), broken


# Write-only values

SQL = "SELECT {{v}}::int; SELECT {{w}}::text;"


def test_a_write_only_value_is_in_no_error(plugin: Plugin, api: httpx.Client) -> None:
    """PostgreSQL repeats in its error what it could not read, and the API passes that on."""
    database = plugin.create(DATABASE, name=unique("told"))
    body = {"name": "told", "sql_content": SQL, "variables": {"v": {"default": "1"}, "w": {}}}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
    given = {"v": "hush-hush", "w": "hush"}
    config = plugin.object(
        APPLICATION, database_uuid=database["uuid"], blueprint_uuid=blueprint["uuid"],
        variables_wo=[json.dumps(["object", dict.fromkeys(given, "string")]).encode(), given],
    )  # fmt: skip
    planned = pb.PlanResourceChange.Response(planned_state=value({**config, "variables_wo": None, "id": UNKNOWN}))
    for reply in (plugin.plan(APPLICATION, config), plugin.apply(APPLICATION, config, planned)):
        assert "invalid input syntax" in errors(reply)[0]
        assert "hush" not in str(reply.diagnostics)
        assert "(sensitive value)" in errors(reply)[0]


# Stopping


def test_stopping_in_mid_create_hands_back_the_id() -> None:
    with ControlPlane(*SLOW) as slow:
        env = {"POLYKOMOS_BASE_URL": slow.base_url, "POLYKOMOS_API_KEY": slow.api_key}
        with Plugin(env) as running, slow.client() as api:
            running.configure()
            config = running.object(DATABASE, name="stopped")
            planned = running.plan(DATABASE, config)
            replies: list[pb.ApplyResourceChange.Response] = []
            thread = threading.Thread(target=lambda: replies.append(running.apply(DATABASE, config, planned)))
            thread.start()
            wait_until(lambda: api.get("/databases").json()["data"])
            running.call("StopProvider")
            thread.join(60)
            (reply,) = replies
            state = plain(reply.new_state)
            assert (state["status"], bool(state["uuid"])) == ("provisioning", True)
            assert not errors(reply), "an error would taint it"
            assert "next apply resumes" in reply.diagnostics[0].summary
            again = plain(running.plan(DATABASE, config, state).planned_state)
            assert isinstance(again["connection_string"], msgpack.ExtType), "to be waited for"


@pytest.mark.parametrize("way", ["stop", "time-out"])
def test_an_application_that_is_given_up_runs_on_and_is_waited_for(
    plugin: Plugin, api: httpx.Client, control_plane: ControlPlane, way: str
) -> None:
    database = plugin.create(DATABASE, name=unique("long"))
    body = {"name": unique("long"), "sql_content": "CREATE TABLE ran (at int); SELECT pg_sleep({{seconds}});"}
    body["variables"] = {"seconds": {"type": "number"}}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    given = {"database_uuid": database["uuid"], "blueprint_uuid": blueprint}
    # Time enough for the validation, which sleeps for a second, and not for the application.
    times = {"create": "6s", "update": None, "delete": None} if way == "time-out" else None
    config = plugin.object(
        APPLICATION, **given, variables=[b'["object",{"seconds":"number"}]', {"seconds": 14}], timeouts=times
    )
    # Not by `plan`, which would dry-run it for as long.
    computed = {each for each in plugin.types[APPLICATION] if each not in ("variables_wo", "variables_wo_version")}
    unknown = {name: UNKNOWN for name in computed if config[name] is None and name != "timeouts"}
    planned = pb.PlanResourceChange.Response(planned_state=value({**config, **unknown}))

    def looks() -> int:
        return sum("/blueprint_applications/" in line["path"] for line in control_plane.request_lines())

    before = looks()
    replies: list[pb.ApplyResourceChange.Response] = []
    thread = threading.Thread(target=lambda: replies.append(plugin.apply(APPLICATION, config, planned)))
    thread.start()
    if way == "stop":
        wait_until(lambda: looks() > before)
        plugin.call("StopProvider")
    thread.join(20)
    state = plain(replies[0].new_state)
    assert state, errors(replies[0])
    assert state["status"] == "running"
    plugin.configure()
    again = plugin.plan(APPLICATION, config | {"timeouts": None}, state)
    assert not again.requires_replace, "it would run twice"
    after = plugin.apply(APPLICATION, config | {"timeouts": None}, again, state)
    assert not errors(after)
    assert (plain(after.new_state)["id"], plain(after.new_state)["status"]) == (state["id"], "completed")
    with psycopg.connect(database["connection_string"]) as connection:
        assert connection.execute("SELECT count(*) FROM ran").fetchone() == (0,)


def test_an_update_that_fails_half_way_keeps_what_was_done(plugin: Plugin) -> None:
    """The rename is made before the API refuses the limit."""
    made = plugin.create(DATABASE, name=unique("half"), connection_hard_limit=5)
    name = unique("done")
    config = plugin.object(DATABASE, name=name, connection_hard_limit=2**31)
    private = json.dumps({"given": ["name", "connection_hard_limit"]}).encode()
    reply = plugin.apply(DATABASE, config, plugin.plan(DATABASE, config, made, private), made)
    assert "connection_hard_limit" in errors(reply)[0]
    state = plain(reply.new_state)
    assert (state["name"], state["connection_hard_limit"]) == (name, 5)
    again = plugin.plan(DATABASE, plugin.object(DATABASE, name=name), state, reply.private)
    assert isinstance(plain(again.planned_state)["connection_hard_limit"], msgpack.ExtType), "it is still remembered"
