"""Messages that no engine should send: a diagnostic or the right answer, and never a lost state."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import grpc
import httpx
import msgpack
import pytest

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.control_plane import new_key
from support.naming import unique
from support.tfplugin import UNKNOWN, Plugin, errors, plain, value

DATABASE, BLUEPRINT = "polykomos_database", "polykomos_blueprint"
APPLICATION, ENDPOINT = "polykomos_blueprint_application", "polykomos_webhook_endpoint"


HOSTILE = [
    {"name": 5},
    {"name": ["a"]},
    {"name": "ok", "team_id": "many"},
    {"name": "ok", "team_id": 2**63 - 1},
    {"name": "ok", "team_id": str(2**70)},
    {"name": "ok", "storage_hard_limit_gb": float("nan")},
    {"name": "ok", "storage_hard_limit_gb": "1e400"},
    {"name": "ok", "storage_hard_limit_gb": "9" * 5000},
    {"name": "ok", "blueprint_variables": [b'"nonsense"', {}]},
    {"name": "ok", "blueprint_variables": "untyped"},
    {"name": "ok", "deletion_protection": "true"},
    {"name": "ok", "timeouts": {"create": "1m"}},
    {"name": "ok", "timeouts": {"create": "-1m", "update": None, "delete": None}},
    {"name": "x" * 1_000_000},
    {"name": "e\u0301"},
    {"name": "ok", "surplus": 1},
]


@pytest.mark.parametrize("given", HOSTILE, ids=lambda given: str(given)[:40])
def test_a_value_that_is_wrong_is_a_diagnostic_in_every_call(plugin: Plugin, given: dict[str, object]) -> None:
    config = plugin.object(DATABASE, **given)
    prior = plugin.object(DATABASE, id="u", uuid="u", name="before")
    replies = [
        plugin.call(
            "ValidateResourceConfig", pb.ValidateResourceConfig.Request(type_name=DATABASE, config=value(config))
        ),
        plugin.plan(DATABASE, config),
        plugin.plan(DATABASE, config, prior),
    ]
    for reply in replies:
        if not (isinstance(given.get("team_id"), int | str) and not errors(reply)):  # any whole number may be a team
            assert errors(reply)
        assert not any("internal error" in errors_in for errors_in in errors(reply)), errors(reply)
    planned = pb.PlanResourceChange.Response(planned_state=value(config))
    applied = plugin.apply(DATABASE, config, planned, prior)
    assert errors(applied)
    assert plain(applied.new_state) == prior, "the state is kept"


def test_a_truncated_message_never_loses_a_state(plugin: Plugin) -> None:
    state = plugin.create(DATABASE, name=unique("whole"))
    whole = value(state).msgpack
    for cut in range(0, len(whole), 41):
        torn = pb.DynamicValue(msgpack=whole[:cut])
        read = plugin.call("ReadResource", pb.ReadResource.Request(type_name=DATABASE, current_state=torn))
        assert errors(read)
        assert read.new_state == torn
        request = pb.ApplyResourceChange.Request(
            type_name=DATABASE, prior_state=value(state), planned_state=torn, config=torn, planned_private=b"{}"
        )
        applied = plugin.call("ApplyResourceChange", request)
        assert errors(applied)
        assert plain(applied.new_state) == state
        assert not any("internal error" in errors_in for errors_in in (*errors(read), *errors(applied)))
    assert plain(plugin.read(DATABASE, state).new_state) == state


def test_numbers_and_texts_come_back_as_they_were_given(plugin: Plugin) -> None:
    for limit in ("0.1", 0.5, 7, "0.30000000000000004", "123456789.000001"):
        made = plugin.create(DATABASE, name=unique("exact"), storage_hard_limit_gb=limit)
        assert made["storage_hard_limit_gb"] == limit
        read = plain(plugin.read(DATABASE, made).new_state)
        assert read == made
        config = plugin.object(DATABASE, name=made["name"], storage_hard_limit_gb=limit)
        assert plain(plugin.plan(DATABASE, config, made).planned_state) == made
    sql = "SELECT '" + "ä" * 500_000 + "'"
    made = plugin.create(BLUEPRINT, name="Ünïcode 🐘", sql_content=sql)
    assert plain(plugin.read(BLUEPRINT, made).new_state) == made


def test_unknowns_with_refinements_go_back_as_they_came(plugin: Plugin) -> None:
    refined = msgpack.ExtType(12, msgpack.packb({1: False, 2: "db-"}))
    config = plugin.object(DATABASE, name=refined, region=UNKNOWN)
    planned = plain(plugin.plan(DATABASE, config).planned_state)
    assert planned["name"] == refined
    assert planned["region"] == UNKNOWN
    prior = plugin.create(DATABASE, name=unique("known"))
    config = plugin.object(DATABASE, name=refined)
    reply = plugin.plan(DATABASE, config, prior)
    assert plain(reply.planned_state)["name"] == refined
    assert not reply.requires_replace


def test_many_events_twice_each(plugin: Plugin) -> None:
    events = ["database.deleted", "database.provisioned"] * 5_000
    config = plugin.object(ENDPOINT, url="https://example.com/many", events=events)
    made = plugin.create(ENDPOINT, url="https://example.com/many", events=events[:2])
    planned = plugin.plan(ENDPOINT, config, made)
    assert not errors(planned)
    assert not planned.requires_replace


def test_types_and_functions_that_there_are_not(plugin: Plugin) -> None:
    requests = {
        "PlanResourceChange": pb.PlanResourceChange.Request(type_name="nope"),
        "ReadDataSource": pb.ReadDataSource.Request(type_name="nope"),
        "OpenEphemeralResource": pb.OpenEphemeralResource.Request(type_name="nope"),
    }
    for name, request in requests.items():
        assert "has no" in errors(plugin.call(name, request))[0]
    for request in (
        pb.CallFunction.Request(name="nope"),
        pb.CallFunction.Request(name="parse_connection_string"),
        pb.CallFunction.Request(name="parse_connection_string", arguments=[value(5)]),
    ):
        assert plugin.call("CallFunction", request).error.text
    bad = pb.CallFunction.Request(name="render_blueprint", arguments=[value("{{n}}"), value(None), value(None)])
    reply = plugin.call("CallFunction", bad).error
    assert (reply.function_argument, "no default" in reply.text) == (1, True)


# Every call

WHOLE = {"name": "ok", "id": "u"}
BROKEN = {
    "nothing": b"",
    "no message": b"\xc1",
    "half": msgpack.packb(WHOLE)[:-1],
    "more than one": msgpack.packb(WHOLE) * 2,
    "no UTF-8": b"\x81\xa4name\xa1\xff",
    "a key that is a list": b"\x81\x90\x01",
    "a list": msgpack.packb([WHOLE]),
    "a text": msgpack.packb("text"),
    "no attributes": msgpack.packb({}),
    "deep": b"\x91" * 1500 + b"\xc0",
    "large": msgpack.packb({"name": "x" * 5_000_000}),
}
SOUND = {"null": msgpack.packb(None), "unknown": msgpack.packb(UNKNOWN)}
FORMED = {"DynamicValue": "msgpack", "RawState": "json"}
# What a call is about, where it is not a resource.
ABOUT = {
    "ValidateDataResourceConfig": "polykomos_database",
    "ReadDataSource": "polykomos_database",
    "ValidateEphemeralResourceConfig": "polykomos_database_credentials",
    "OpenEphemeralResource": "polykomos_database_credentials",
    "CallFunction": "parse_connection_string",
    "ValidateActionConfig": "polykomos_webhook_test",
    "PlanAction": "polykomos_webhook_test",
    "InvokeAction": "polykomos_webhook_test",
}
DIGITS = "0.12345678901234567890"
METHODS = {method.name: method for method in pb.DESCRIPTOR.services_by_name["Provider"].methods}


def filled(message: Any, data: bytes, about: str) -> int:
    """Put `data` wherever the message holds a value; returns how many places there were."""
    places = 0
    for field in message.DESCRIPTOR.fields:
        if field.name in ("type_name", "target_type_name", "action_type", "name"):
            setattr(message, field.name, about)
        elif field.name == "source_type_name":
            message.source_type_name = "restful_resource"
        elif field.message_type is not None and field.message_type.name in FORMED:
            inside = getattr(message, field.name)
            value_ = inside.add() if hasattr(inside, "add") else inside
            setattr(value_, FORMED[field.message_type.name], data)
            value_.SetInParent()
            places += 1
        elif field.message_type is not None and field.message_type.name == "ResourceIdentityData":
            places += filled(getattr(message, field.name), data, about)
    return places


def requests(data: bytes) -> Iterator[tuple[str, Any]]:
    """A request of every call that takes a value."""
    for name, method in METHODS.items():
        request = method.input_type._concrete_class()
        if filled(request, data, ABOUT.get(name, DATABASE)):
            yield name, request


def errors_in(plugin: Plugin, name: str, request: Any) -> list[str]:
    """The errors of the reply, whichever form it has."""
    if METHODS[name].server_streaming:
        events = plugin.stream(name, request)
        found = [each for event in events for each in getattr(event, "diagnostic", ())]
        found += [each for event in events if hasattr(event, "completed") for each in event.completed.diagnostics]
        return [f"{each.summary}: {each.detail}" for each in found]
    reply = plugin.call(name, request)
    if name == "CallFunction":
        return [reply.error.text] if reply.error.text else []
    return errors(reply)


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_every_rpc_reports_a_malformed_value(plugin: Plugin, data: bytes) -> None:
    made = plugin.create(DATABASE, name=unique("kept"))
    asked = dict(requests(data))
    assert len(asked) > 18
    # Lists take no settings: what is sent as such is not looked at.
    for name in asked.keys() - {"ListResource", "ValidateListResourceConfig"}:
        failures = errors_in(plugin, name, asked[name])
        assert failures, name
        assert not [text for text in failures if "internal error" in text], name
        assert not [text for text in failures if len(text) > 2000], name
    for name in ("ReadResource", "ApplyResourceChange"):
        reply = plugin.call(name, asked[name])
        sent = asked[name].current_state if name == "ReadResource" else asked[name].prior_state
        assert reply.new_state == sent, name
    assert plain(plugin.read(DATABASE, made).new_state) == made, "it serves on"


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_null_and_unknown_for_an_object_are_no_internal_error(plugin: Plugin, data: bytes) -> None:
    for name, request in requests(data):
        assert not [text for text in errors_in(plugin, name, request) if "internal error" in text], name


def test_one_broken_value_among_whole_ones_keeps_the_state(plugin: Plugin) -> None:
    made = plugin.create(DATABASE, name=unique("kept"))
    config = plugin.object(DATABASE, name=unique("renamed"))
    planned = plugin.plan(DATABASE, config, made)
    whole = pb.ApplyResourceChange.Request(
        type_name=DATABASE, prior_state=value(made), planned_state=planned.planned_state, config=value(config)
    )
    for broken in BROKEN.values():
        for field in ("prior_state", "planned_state", "config"):
            request = pb.ApplyResourceChange.Request()
            request.CopyFrom(whole)
            getattr(request, field).msgpack = broken
            reply = plugin.call("ApplyResourceChange", request)
            assert errors(reply)
            assert reply.new_state == request.prior_state
    for private in (b"\xff", b"[]", b"{", b"[" * 100_000):
        assert not errors(plugin.plan(DATABASE, config, made, private))
    assert plain(plugin.read(DATABASE, made).new_state) == made, "nothing was done"


def test_a_request_that_is_no_message_leaves_the_process_alive(plugin: Plugin) -> None:
    for name, method in METHODS.items():
        path = f"/tfplugin6.Provider/{name}"
        open_ = plugin.channel.unary_stream if method.server_streaming else plugin.channel.unary_unary
        if name == "GetProviderSchema":
            assert open_(path)(b"\xff\xff\xff"), "its request says nothing and is not read"
            continue
        with pytest.raises(grpc.RpcError):
            reply = open_(path)(b"\xff\xff\xff")
            list(reply)
    with pytest.raises(grpc.RpcError):
        plugin.channel.unary_unary("/tfplugin6.Provider/Nope")(b"")
    assert not errors(plugin.call("GetMetadata"))


# Values


@pytest.mark.parametrize("depth", [100, 200, 300, 450, 600])
def test_deeply_nested_values_are_accepted_or_rejected(plugin: Plugin, api: httpx.Client, depth: int) -> None:
    body = {"name": "deep", "sql_content": "SELECT '{{v}}'", "variables": {"v": {"default": "1"}}}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    own, inside = '"string"', "x"
    for _ in range(depth):
        own, inside = f'["object",{{"a":{own}}}]', {"a": inside}  # type: ignore[assignment]
    deep = [own.encode(), inside]
    given = plugin.object(DATABASE, name="deep", blueprint_uuid=blueprint, blueprint_variables=deep)
    planned = plugin.plan(DATABASE, given)
    told_ = errors(planned) or errors(plugin.apply(DATABASE, given, planned))
    assert told_, "there is no variable `a`"
    assert not [text for text in told_ if "internal error" in text]
    assert not [text for text in told_ if len(text) > 2000]
    given = plugin.object(APPLICATION, database_uuid="d", blueprint_uuid=blueprint, variables_wo=deep)
    assert not [text for text in errors(plugin.plan(APPLICATION, given)) if "internal error" in text]


def test_a_number_beyond_a_double(plugin: Plugin, api: httpx.Client) -> None:
    variables = of_number("1e400")
    given = {"database_uuid": plugin.create(DATABASE, name=unique("digits"))["uuid"], "variables": variables}
    body = {"name": "digits", "sql_content": "SELECT {{n}}", "variables": {"n": {"type": "number"}}}
    given["blueprint_uuid"] = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    made = plugin.create(APPLICATION, **given)
    assert made["variables"] == variables
    read = plain(plugin.read(APPLICATION, made).new_state)
    assert read == made
    assert plain(plugin.plan(APPLICATION, plugin.object(APPLICATION, **given), read).planned_state) == read


def test_more_digits_than_a_double_has(plugin: Plugin) -> None:
    given = plugin.object(APPLICATION, database_uuid="d", blueprint_uuid="b", variables=of_number(DIGITS))
    assert "give it as a string" in errors(plugin.plan(APPLICATION, given))[0]


@pytest.mark.parametrize("number", [DIGITS, "1e400"])
def test_a_function_renders_every_digit(plugin: Plugin, number: str) -> None:
    definitions = {"n": dict.fromkeys(["default", "required", "description"]) | {"type": "number"}}
    rendered = call(plugin, "render_blueprint", [value("{{n}}"), value(of_number(number)), value(definitions)])
    assert Decimal(plain(rendered.result)) == Decimal(number)


def of_number(number: str) -> list[Any]:
    """Variables whose `n` is a number."""
    return [b'["object",{"n":"number"}]', {"n": number}]


def test_a_timeout_of_centuries(plugin: Plugin) -> None:
    limits = {"create": "99999999h", "update": "99999999999999999999h", "delete": "9" * 400 + "h"}
    name = unique("patient")
    made = plugin.create(DATABASE, name=name, timeouts=limits)
    config = plugin.object(DATABASE, name=unique("patient"), timeouts=limits)
    updated = plugin.apply(DATABASE, config, plugin.plan(DATABASE, config, made), made)
    assert not errors(updated)
    gone = plugin.apply(DATABASE, None, plugin.plan(DATABASE, None, made), plain(updated.new_state))
    assert not errors(gone)


# Functions

URL = "postgresql://u:p@h:1/d"
SOUND_CALLS = {
    "parse_connection_string": [URL],
    "verify_webhook_signature": ["whsec_x", "{}", "sha256=" + "0" * 64],
    "render_blueprint": ["SELECT 1", [b'["object",{}]', {}], {}],
}
ARGUMENTS = [
    value(5), value(True), value([1]), value({"a": 1}), value({1: 2}), value([b"{", 1]), value(float("nan")),
    value(""), value("\x00"), value("e\u0301"), value("x" * 1_000_000), value(["x"] * 10_000), value({"a": UNKNOWN}),
    pb.DynamicValue(), pb.DynamicValue(msgpack=b"\xc1"), pb.DynamicValue(json=b'"x"'), value(None), value(UNKNOWN),
]  # fmt: skip


def call(plugin: Plugin, name: str, arguments: list[pb.DynamicValue]) -> pb.CallFunction.Response:
    reply: pb.CallFunction.Response = plugin.call(
        "CallFunction", pb.CallFunction.Request(name=name, arguments=arguments)
    )
    return reply


@pytest.mark.parametrize("name", SOUND_CALLS)
def test_functions_take_or_refuse_every_kind_of_argument(plugin: Plugin, name: str) -> None:
    sound = [value(each) for each in SOUND_CALLS[name]]
    assert not call(plugin, name, sound).error.text
    assert "arguments" in call(plugin, name, [*sound, *sound]).error.text
    for position in range(len(sound)):
        for argument in ARGUMENTS:
            reply = call(plugin, name, [*sound[:position], argument, *sound[position + 1 :]])
            assert "internal error" not in reply.error.text
            if reply.error.text:
                assert reply.error.function_argument == position
            else:
                assert reply.result.msgpack
        unknown = call(plugin, name, [*sound[:position], value(UNKNOWN), *sound[position + 1 :]])
        assert plain(unknown.result) == UNKNOWN


# Many at once


def test_a_hundred_calls_at_once(plugin: Plugin) -> None:
    made = plugin.create(DATABASE, name=unique("busy"))
    with ThreadPoolExecutor(100) as pool:
        states = list(pool.map(lambda _: plain(plugin.read(DATABASE, made).new_state), range(100)))
    assert states == [made] * 100
