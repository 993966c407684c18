"""The dynamic provider with the toy vendor, called as its host calls it."""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pulumi
import pytest
from google.protobuf import empty_pb2
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown as HostUnknown
from pydantic import Field

from polykomos_provider.dynamic.providers import provider as provider_of
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.package import Package
from resourcekit.pulumi.dynamic import host_values
from resourcekit.pulumi.dynamic.errors import DynamicProviderError
from resourcekit.pulumi.dynamic.provider import DynamicProvider
from resourcekit.pulumi.dynamic.resource import timeouts
from resourcekit.pulumi.dynamic.session import engine_address, shared_session
from resourcekit.pulumi.property_value import UNKNOWN_STRING
from resourcekit.pulumi.protocol import engine_pb2, engine_pb2_grpc
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import Carpentry, Shelf, ShelfArgs, ShelfState

URN = "urn:pulumi:dev::p::my:index:Room$pulumi-python:dynamic/toy:Shelf::s"
PROGRAM = {"urn": URN}


class Settings(Arguments):
    tool_key: str = Field(description="A key.")
    shop: str | None = Field(None, description="Names the program.")


class FussyShelf(Shelf):
    """Refuses a kind of wood for a new shelf and a height for an old one when asked, and can be changed."""

    def preview(
        self, args: Mapping[str, Any], prior: ShelfState | None, changed: frozenset[str], ctx: Context[Carpentry]
    ) -> None:
        if args.get("height") == 99 and prior is not None:
            raise ResourceError("too high", property="height")
        if args.get("wood_kind") == "balsa" and prior is None:
            raise ResourceError("too soft; there is oak", property="wood_kind")

    def update(
        self, id: str, args: ShelfArgs, prior: ShelfState, changed: frozenset[str], ctx: Context[Carpentry]
    ) -> ShelfState:
        return prior.model_copy(update=args.model_dump(include=set(changed)))


class LeakyShelf(FussyShelf):
    """Fails with an exception of Python's whose text holds a secret."""

    def create(self, args: ShelfArgs, ctx: Context[Carpentry]) -> tuple[str, ShelfState]:
        raise KeyError("hunter2")


class ToyPackage(Package[Carpentry]):
    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> Carpentry:
        return Carpentry()


def configured(shelf: FussyShelf | None = None, **config: str) -> DynamicProvider:
    """A provider of its own session, as the host has it."""
    load = functools.partial(
        ToyPackage,
        *("toy", "1", "Toy", "A toy.", "x", Settings, {"shop": "TOY_SHOP"}, (shelf or FussyShelf(),)),
        idempotency_scope_setting="shop",
    )
    provider = DynamicProvider(lambda _: provider, functools.cache(load), "Shelf")
    provider.configure(ConfigureRequest(Config({f"toy:{name}": value for name, value in config.items()}, "p")))
    return provider


@pytest.fixture
def provider() -> DynamicProvider:
    return configured(toolKey="k")


def carpentry(provider: DynamicProvider) -> Carpentry:
    return shared_session(provider._load).context("", 1).api


def given(**arguments: Any) -> dict[str, Any]:
    return {**arguments, host_values.PROGRAM: PROGRAM}


def test_what_is_pickled_is_a_reference() -> None:
    names = ["Database", "Blueprint", "BlueprintApplication", "WebhookEndpoint"]
    texts = [serialize_provider(provider_of(name)) for name in names]
    assert max(map(len, texts)) < 130, texts
    script = (
        "import base64, dill, sys\nfor each in sys.argv[1:]: print(dill.loads(base64.b64decode(each)).resource.name)"
    )
    done = subprocess.run([sys.executable, "-c", script, *texts], text=True, capture_output=True, check=True)
    assert done.stdout.split() == names


def test_values_of_the_host_are_read_and_written() -> None:
    found = host_values.read(
        {
            "n": 3.0,
            "half": 0.5,
            "list": [1.0, HostUnknown()],
            "map": {"deep": UNKNOWN_STRING},
            "on": True,
            "__provider": "x",
            "__inputs": {"n": 3.0},
            "__program": {"urn": URN, "timeouts": {"create": 5.0}},
        }
    )
    assert found.values == {"n": 3, "half": 0.5, "list": [1, UNKNOWN], "map": {"deep": UNKNOWN}, "on": True}
    assert isinstance(found.values["n"], int)
    assert (found.urn, found.inputs, found.unfinished, found.import_id) == (URN, {"n": 3}, "", "")
    assert (found.seconds("create", 9), found.seconds("update", 9)) == (5, 9)
    written = host_values.write_state({**found.values, "nothing": None}, found.inputs, found.program, "why")
    assert written["map"] == {"deep": UNKNOWN_STRING}
    assert "nothing" not in written
    assert host_values.read(written).unfinished == "why"


def test_check_names_the_property_and_asks_the_api_of_a_create_alone(provider: DynamicProvider) -> None:
    (failure,) = provider.check({}, given(name="UP")).failures
    assert (failure.property, failure.reason) == ("", "name: must be lowercase")
    (failure,) = provider.check({}, given(name="a", wood_kind="balsa")).failures
    assert (failure.property, failure.reason) == ("", "wood_kind: too soft; there is oak")
    assert not provider.check(given(name="a"), given(name="a", wood_kind="balsa")).failures, "the diff asks"
    passed = provider.check({}, given(name="a", wood_kind=HostUnknown(), seats=2.0))
    assert not passed.failures
    assert passed.inputs == given(name="a", wood_kind=UNKNOWN_STRING, seats=2)


def test_without_settings_check_says_what_to_do() -> None:
    (failure,) = configured().check({}, given(name="a")).failures
    assert failure.reason.startswith("tool_key: missing")


def test_an_argument_that_is_taken_out_is_a_change(provider: DynamicProvider) -> None:
    made = provider.create(given(name="a", labels={"x": "y"}))
    assert made.outs is not None
    same = provider.diff("s1", made.outs, given(name="a", labels={"x": "y"}))
    assert (same.changes, same.replaces) == (False, [])
    assert provider.diff("s1", made.outs, given(name="a")).changes
    updated = provider.update("s1", made.outs, given(name="a"))
    assert updated.outs is not None
    assert "labels" not in updated.outs
    assert provider.diff("s1", updated.outs, given(name="a")).changes is False
    assert provider.diff("s1", updated.outs, given(name="a", wood_kind="elm")).replaces == ["wood_kind"]
    with pytest.raises(DynamicProviderError, match="height: too high"):
        provider.diff("s1", updated.outs, given(name="a", height=99))


def test_the_keys_of_a_replacement_name_the_replaced_object() -> None:
    provider = configured(toolKey="k", shop="orders")
    made = provider.create(given(name="a")).outs
    assert made is not None
    session = shared_session(provider._load)
    assert not session.idempotency_keys(URN).replaced
    assert provider.diff("s1", made, given(name="a", wood_kind="elm")).replaces == ["wood_kind"]
    assert session.idempotency_keys(URN).replaced == "s1"


def test_states_of_other_schema_versions(provider: DynamicProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    made = provider.create(given(name="a")).outs
    assert made is not None
    assert "__schemaVersion" not in made
    monkeypatch.setattr(Shelf, "schema_version", 1)
    monkeypatch.setattr(Shelf, "upgrade_state", lambda _, version, state: {**state, "name": f"from {version}"})
    assert not provider.diff("s1", made, given(name="from 0")).changes
    newer = provider.update("s1", made, given(name="b")).outs
    assert newer is not None
    assert newer["__schemaVersion"] == 1
    monkeypatch.setattr(Shelf, "schema_version", 0)
    for call in (
        lambda: provider.diff("s1", newer, given(name="b")),
        lambda: provider.update("s1", newer, given(name="c")),
        lambda: provider.read("s1", newer),
        lambda: provider.delete("s1", newer),
    ):
        with pytest.raises(DynamicProviderError, match="written by a newer release"):
            call()


@pytest.mark.parametrize("wood", ["balsa", HostUnknown()], ids=["refused", "unknown"])
def test_a_replacement_is_reviewed_as_a_create(provider: DynamicProvider, wood: Any) -> None:
    made = provider.create(given(name="a"))
    assert made.outs is not None
    if wood == "balsa":
        with pytest.raises(DynamicProviderError, match="wood_kind: too soft"):
            provider.diff("s1", made.outs, given(name="a", wood_kind=wood))
    else:
        assert provider.diff("s1", made.outs, given(name="a", wood_kind=wood)).replaces == ["wood_kind"]


def test_what_is_protected_stays(provider: DynamicProvider) -> None:
    made = provider.create(given(name="a", guarded=True))
    assert made.outs is not None
    with pytest.raises(DynamicProviderError, match="cannot replace: it is guarded: set `guarded`"):
        provider.diff("s1", made.outs, given(name="a", guarded=True, wood_kind="elm"))
    with pytest.raises(DynamicProviderError, match="cannot delete"):
        provider.delete("s1", made.outs)


def test_an_unfinished_object_is_in_the_state_and_resumed(provider: DynamicProvider) -> None:
    carpentry(provider).broken_after_create = True
    made = provider.create(given(name="a"))
    assert made.id == "s1"
    assert made.outs is not None
    assert made.outs[host_values.UNFINISHED] == "the glue is not dry"
    assert made.outs["wood_kind"] == "oak"
    assert provider.diff("s1", made.outs, given(name="a")).changes, "so that the update resumes it"
    resumed = provider.update("s1", made.outs, given(name="a"))
    assert resumed.outs is not None
    assert host_values.UNFINISHED not in resumed.outs


def test_a_read_gives_state_and_inputs_or_nothing(provider: DynamicProvider) -> None:
    made = provider.create(given(name="a", seed="s"))
    assert made.outs is not None
    carpentry(provider).shelves["s1"]["name"] = "b"
    found = provider.read("s1", made.outs)
    assert found.outs is not None
    assert (found.outs["name"], found.outs["seed"]) == ("b", "s")
    assert found.inputs == given(name="b", seed="s")
    carpentry(provider).shelves.clear()
    assert provider.read("s1", made.outs).id == ""


def test_import_adopts_only_what_is_as_the_program_says(provider: DynamicProvider) -> None:
    adopting = {host_values.PROGRAM: {**PROGRAM, "import": "s1"}}
    with pytest.raises(DynamicProviderError, match="cannot import: there is no Shelf 's1'"):
        provider.create({"name": "a", **adopting})
    provider.create(given(name="a", wood_kind="elm"))
    with pytest.raises(DynamicProviderError, match="cannot import s1: `name`, `wood_kind` differ"):
        provider.create({"name": "b", "wood_kind": "oak", **adopting})
    adopted = provider.create({"name": "a", "guarded": True, **adopting})
    assert adopted.outs is not None
    assert (adopted.id, adopted.outs["wood_kind"]) == ("s1", "elm")
    assert not provider.diff("s1", adopted.outs, {"name": "a", "guarded": True, **adopting}).changes
    assert not provider.check({}, {"name": "a", "wood_kind": "balsa", **adopting}).failures, "nothing will be made"


def test_an_internal_error_tells_no_more_than_its_type(
    provider: DynamicProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("hunter2")

    monkeypatch.setattr(FussyShelf, "create", breaks)
    with pytest.raises(
        DynamicProviderError, match=r"internal error in the provider during create \(KeyError\).*TOY_LOG"
    ) as raised:
        provider.create(given(name="a"))
    assert "hunter2" not in str(raised.value)


def test_a_context_does_not_decide_which_stack_is_read() -> None:
    session = shared_session(configured(toolKey="k")._load)
    session.context(URN, 1)
    assert not session._stack.is_known
    session.set_stack(URN)
    assert session._stack.is_known


def test_keys_are_foreseeable_with_a_scope_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(scope: str | None, urn: str = URN) -> str:
        session = shared_session(configured(toolKey="k", **({"shop": scope} if scope else {}))._load)
        session.context(urn, 1)
        return session.idempotency_keys(urn).create_key(0)

    assert key("mine") == key("mine")
    # From the environment too, and when the host has configured another resource's provider meanwhile.
    provider = configured(toolKey="k")
    monkeypatch.setenv("TOY_SHOP", "mine")
    session = shared_session(provider._load)
    for _ in range(2):
        provider.configure(ConfigureRequest(Config({"toy:toolKey": "k"}, "p")))
        session.context(URN, 1)
        assert session.idempotency_keys(URN).create_key(0) == key("mine")
    monkeypatch.delenv("TOY_SHOP")
    assert len({key("mine"), key("other"), key("mine", URN + "2"), key(None), key(None)}) == 5


def test_a_state_of_another_version_is_recognized(provider: DynamicProvider) -> None:
    stranger = DynamicProvider(lambda _: stranger, provider._load, "Table")
    with pytest.raises(DynamicProviderError, match="toy 1 has no resource 'Table'; expected one of Shelf"):
        stranger.create(given(name="a"))


def test_timeouts_and_the_engines_address() -> None:
    assert timeouts(None) == {}
    assert timeouts(pulumi.CustomTimeouts(create="1m30s", delete="2h")) == {"create": 90, "delete": 7200}
    with pytest.raises(ValueError, match="`create` must be a duration"):
        timeouts(pulumi.CustomTimeouts(create="soon"))
    assert engine_address(["127.0.0.1:4000"]) == "127.0.0.1:4000"
    assert engine_address([]) == engine_address(["-c"]) == engine_address(["unused"]) == ""


def test_replace_on_changes_is_handed_on_by_the_program() -> None:
    for paths, whole, entry in (
        (["height"], True, True),
        (["height.a"], False, True),
        (['["height"]["a"]', "x["], False, True),
        (["height.b"], False, False),
        (["*"], True, True),
        (["heights"], False, False),
        (None, False, False),
    ):
        given = host_values.read({"__program": {**PROGRAM, "replace": paths}})
        assert (given.replaces(("height",)), given.replaces(("height", "a"))) == (whole, entry)


def test_an_unexpected_exception_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = configured(LeakyShelf(), toolKey="k")
    with pytest.raises(
        DynamicProviderError, match=r"internal error in the provider during create \(KeyError\)"
    ) as raised:
        provider.create(given(name="a"))
    assert "hunter2" not in str(raised.value)
    assert "internal error in create: KeyError at" in caplog.text
    assert "hunter2" not in caplog.text, "in no level"


def host(log_level: str, address: str) -> subprocess.CompletedProcess[str]:
    """Configure the provider twice in a process of its own, as the host does for two resources of a program."""
    script = (
        "import logging, sys\n"
        "from pulumi.dynamic import ConfigureRequest\n"
        "from pulumi.dynamic.config import Config\n"
        "from polykomos_provider.dynamic.providers import provider\n"
        "for name in ('Database', 'Blueprint'):\n"
        "    provider(name).configure(ConfigureRequest(Config({}, 'p')))\n"
        "print(logging.getLevelName(logging.getLogger().level))\n"
    )
    env = {**os.environ, "POLYKOMOS_LOG": log_level}
    return subprocess.run(
        [sys.executable, "-c", script, address], text=True, capture_output=True, check=True, env=env, timeout=120
    )


def test_a_log_level_that_does_not_exist_is_a_warning() -> None:
    shown: list[tuple[int, str]] = []

    class Engine(engine_pb2_grpc.EngineServicer):
        def Log(self, request: engine_pb2.LogRequest, _context: Any) -> Any:  # noqa: N802 - the protocol's
            shown.append((request.severity, request.message))
            return empty_pb2.Empty()

    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        done = host("verbose", f"127.0.0.1:{port}")
    finally:
        server.stop(None)
    assert done.stdout.strip() == "WARNING"
    (message,) = shown
    assert message[0] == engine_pb2.WARNING
    assert message[1].startswith(
        "POLYKOMOS_LOG: 'verbose' is not a log level, so warning is used; expected one of debug, "
    )
    assert host("Debug", "").stdout.strip() == "DEBUG"
