"""The servicer over real gRPC with the toy vendor: what the engine is told when things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2
from pydantic import Field

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Result, Secret
from resourcekit.package import Package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.property_value import decode, encode
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.resource import DataSource
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import Carpentry, Shelf, ShelfState

URN = "urn:pulumi:dev::p::toy:index:Shelf::s"


class Settings(Arguments):
    tool_key: Annotated[str, Secret()] = Field(description="A key.")
    patience: float | None = Field(None, description="In seconds.")


class SurveyArgs(Arguments):
    question: str = Field(max_length=9, description="What to ask.")


class SurveyResult(Result):
    answer: str | None = Field(None, description="What was said.")


class Survey(DataSource[SurveyArgs, SurveyResult, Carpentry]):
    """A function that costs something."""

    name = "get_survey"
    runs_in_preview = False

    def call(self, args: SurveyArgs, ctx: Context[Carpentry]) -> SurveyResult:
        return SurveyResult(answer=args.question.upper())


class Sweep(Survey):
    """A call that is only an action."""

    name = "sweep"
    runs_in_preview = True


class ToyPackage(Package[Carpentry]):
    carpentry = Carpentry()
    data_sources = (Survey(),)
    actions = (Sweep(), Survey())

    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> Carpentry:
        return self.carpentry

    def to_resource_error(self, error: Exception) -> Exception:
        return ResourceError("explained", property="wood_kind") if isinstance(error, KeyError) else error


@pytest.fixture
def provider() -> Iterator[Any]:
    package = ToyPackage("toy", "1", "Toy", "A toy.", "x", Settings, {"tool_key": "TOY_KEY"}, (Shelf(),))
    ToyPackage.carpentry = Carpentry()
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(package, EngineLog()), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        # The SDKs put their own version among the settings.
        stub.Configure(pb.ConfigureRequest(args=encode({"toolKey": "k", "version": "1.2.3"})))
        yield stub
    server.stop(None).wait()


def create(provider: Any, **properties: Any) -> pb.CreateResponse:
    return provider.Create(pb.CreateRequest(urn=URN, properties=encode(properties)))


def error_of(call: Callable[[], Any]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value


def test_an_unfinished_create_hands_back_its_id_and_state(provider: Any) -> None:
    ToyPackage.carpentry.broken_after_create = True
    error = error_of(lambda: create(provider, name="a", woodKind="elm"))
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    failed = pb.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(details).details[0].Unpack(failed)
    assert failed.id == "s1"
    assert decode(failed.properties).values["woodKind"] == "elm"
    assert list(failed.reasons) == ["the glue is not dry"]


def test_a_foreseen_exception_is_explained_with_its_property(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("secret-in-text")

    monkeypatch.setattr(Shelf, "create", breaks)
    assert error_of(lambda: create(provider, name="a")).details() == "woodKind: explained"


def test_an_unforeseen_exception_tells_no_secret_and_no_traceback(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> Any:
        raise RuntimeError("secret-in-text")

    monkeypatch.setattr(Shelf, "create", breaks)
    text = error_of(lambda: create(provider, name="a")).details()
    assert "internal error" in text
    assert "RuntimeError" in text
    assert "secret-in-text" not in text
    assert "Traceback" not in text


def test_states_of_other_schema_versions(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of an older version is upgraded, by declared names; one of a newer version is refused."""
    made = create(provider, name="a", labels={"k": "v"})
    assert "__schemaVersion" not in made.properties
    monkeypatch.setattr(Shelf, "schema_version", 2)
    monkeypatch.setattr(Shelf, "upgrade_state", lambda _, version, state: {**state, "name": state["old_name"]})
    older = encode({**decode(made.properties).values, "name": "z", "oldName": "a"})
    news = encode({"name": "a", "labels": {"k": "v"}})
    diff = provider.Diff(pb.DiffRequest(urn=URN, id="s1", olds=older, news=news))
    assert diff.changes == pb.DiffResponse.DIFF_NONE
    newer = provider.Read(pb.ReadRequest(urn=URN, id="s1", properties=older)).properties
    assert newer["__schemaVersion"] == 2
    diff = provider.Diff(pb.DiffRequest(urn=URN, id="s1", olds=newer, news=news))
    assert diff.changes == pb.DiffResponse.DIFF_NONE, "it is not upgraded twice"
    monkeypatch.setattr(Shelf, "schema_version", 1)
    for call in (
        lambda: provider.Diff(pb.DiffRequest(urn=URN, id="s1", olds=newer, news=news)),
        lambda: provider.Update(pb.UpdateRequest(urn=URN, id="s1", olds=newer, news=news)),
        lambda: provider.Read(pb.ReadRequest(urn=URN, id="s1", properties=newer)),
        lambda: provider.Delete(pb.DeleteRequest(urn=URN, id="s1", properties=newer)),
    ):
        assert "written by a newer release of this provider (schema version 2" in error_of(call).details()
    assert "s1" in ToyPackage.carpentry.shelves


def test_previews_know_what_they_can_and_mark_secrets(provider: Any) -> None:
    reply = provider.Create(pb.CreateRequest(urn=URN, properties=encode({"name": "a"}), preview=True))
    found = decode(reply.properties)
    assert found.values["shelfId"] is UNKNOWN
    assert "pin" in found.secrets
    assert ToyPackage.carpentry.shelves == {}


def test_secret_inputs_stay_secret_in_inputs_and_state(provider: Any) -> None:
    inputs = encode({"name": "a", "labels": {"k": "v"}}, {"labels"})
    checked = provider.Check(pb.CheckRequest(urn=URN, news=inputs))
    assert decode(checked.inputs).secrets == {"labels"}
    made = provider.Create(pb.CreateRequest(urn=URN, properties=inputs))
    assert "labels" in decode(made.properties).secrets
    read = provider.Read(pb.ReadRequest(urn=URN, id="s1", properties=made.properties, inputs=inputs))
    assert "labels" in decode(read.inputs).secrets
    assert "labels" in decode(read.properties).secrets


def test_what_arrives_secret_is_in_no_text_and_no_plain_output(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hush = encode({"name": "a", "labels": {"k": "hunter2"}}, {"labels"})

    def repeats(self: Shelf, args: Any, ctx: Any) -> Any:
        ctx.checkpoint("s1", ShelfState(name="a", wood_kind=f"for {args.labels['k']}", shelf_id="s1"))
        raise ResourceError(f"{args.labels['k']} does not fit")

    monkeypatch.setattr(Shelf, "create", repeats)
    error = error_of(lambda: provider.Create(pb.CreateRequest(urn=URN, properties=hush)))
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert error.details() == "[secret] does not fit"
    failed = pb.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(details).details[0].Unpack(failed)
    assert list(failed.reasons) == ["[secret] does not fit"]
    assert decode(failed.properties).secrets == {"woodKind"}, "an output that repeats it is marked, and no other"
    # An old state's secrets as well.
    monkeypatch.setattr(
        Shelf, "delete", lambda *_: (_ for _ in ()).throw(ResourceError("hunter2 stays")), raising=False
    )
    assert error_of(lambda: provider.Delete(pb.DeleteRequest(urn=URN, id="s1", properties=hush))).details() == (
        "[secret] stays"
    )


def test_a_create_that_would_replace_what_is_protected_is_refused(provider: Any) -> None:
    """The engine may overrule a Diff; then the Create is all that tells of a replacement."""
    create(provider, name="a", guarded=True)
    olds = encode({"name": "a", "shelfId": "s1", "guarded": True})
    request = pb.DiffRequest(urn=URN, id="s1", olds=olds, old_inputs=encode({"name": "a"}), news=encode({"name": "b"}))
    provider.Diff(request)
    for preview in (True, False):
        again = pb.CreateRequest(urn=URN, properties=encode({"name": "b"}), preview=preview)
        assert (
            error_of(lambda again=again: provider.Create(again)).details().startswith("cannot replace: it is guarded")
        )
    # What is gone may be made anew, and so may what is not protected.
    ToyPackage.carpentry.shelves.clear()
    create(provider, name="b")
    provider.Diff(pb.DiffRequest(urn=URN, id="s1", olds=encode({"name": "b", "shelfId": "s1"}), news=request.news))
    create(provider, name="c")


def test_a_replaced_protected_object_is_reported_with_the_remedy(provider: Any) -> None:
    create(provider, name="b")
    old = encode({"name": "a", "shelfId": "s0", "guarded": True})
    text = error_of(lambda: provider.Delete(pb.DeleteRequest(urn=URN, id="s0", properties=old))).details()
    assert text.startswith("cannot delete: it is guarded")
    assert "`pulumi stack export --file stack.json`" in text
    current = pb.DeleteRequest(urn=URN, id="s1", properties=encode({"name": "b", "shelfId": "s1", "guarded": True}))
    assert "stack export" not in error_of(lambda: provider.Delete(current)).details()


def test_check_speaks_of_properties_in_the_engines_spelling(provider: Any) -> None:
    reply = provider.Check(
        pb.CheckRequest(urn=URN, news=encode({"name": "a", "woodKnd": "x", "limits": {"maxBooks": "m"}}))
    )
    assert [f.property for f in reply.failures] == ["woodKnd", "limits.maxBooks"]
    assert "`woodKind`" in reply.failures[0].reason


def test_no_path_leads_to_a_secret_that_breaks_a_rule(provider: Any) -> None:
    """The engine prints what is at a path that it is told."""
    news = encode({"name": "a", "limits": {"maxBooks": "m"}}, secrets={"limits"})
    (failure,) = provider.Check(pb.CheckRequest(urn=URN, news=news)).failures
    assert not failure.property
    assert failure.reason.startswith("limits.maxBooks: ")


def test_a_replacement_names_exactly_what_forces_it(provider: Any) -> None:
    olds = encode({"name": "a", "woodKind": "oak", "shelfId": "s1"})
    request = pb.DiffRequest(urn=URN, id="s1", olds=olds, old_inputs=encode({"name": "a"}))
    request.news.CopyFrom(encode({"name": "b", "woodKind": "elm"}))
    reply = provider.Diff(request)
    assert list(reply.replaces) == ["woodKind"]
    assert list(reply.diffs) == ["name", "woodKind"]
    request.news.CopyFrom(encode({"name": "a"}))
    assert provider.Diff(request).changes == pb.DiffResponse.DIFF_NONE


def test_a_gone_object_reads_as_nothing(provider: Any) -> None:
    assert provider.Read(pb.ReadRequest(urn=URN, id="s9")).id == ""


def test_missing_settings_are_named_and_the_environment_stands_in(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = provider.CheckConfig(pb.CheckRequest(news=encode({})))
    assert [f.property for f in reply.failures] == ["toolKey"]
    monkeypatch.setenv("TOY_KEY", "from-env")
    reply = provider.CheckConfig(pb.CheckRequest(news=encode({})))
    assert not reply.failures
    assert "from-env" not in str(reply), "a key of the environment enters no state"


def test_the_key_comes_back_secret_however_it_was_given(provider: Any) -> None:
    def checked(given: Any, secrets: frozenset[str] = frozenset()) -> Any:
        news = encode({"toolKey": given, "version": "1.2.3"}, secrets)
        return provider.CheckConfig(pb.CheckRequest(news=news)).inputs

    for inputs in (checked("plain"), checked("plain", frozenset({"toolKey"}))):
        found = decode(inputs)
        assert (found.values, found.secrets) == ({"toolKey": "plain", "version": "1.2.3"}, {"toolKey"})
    assert decode(checked(UNKNOWN)) == decode(encode({"toolKey": UNKNOWN, "version": "1.2.3"}))


def test_unknown_tokens_are_refused_by_name(provider: Any) -> None:
    error = error_of(lambda: provider.Check(pb.CheckRequest(urn=URN.replace("Shelf", "Shelve"))))
    assert "toy:index:Shelve" in error.details()
    assert "toy:index:Shelf" in error.details()


def test_settings_that_are_no_strings_come_as_json_in_one(provider: Any) -> None:
    for given, failures in (("2.5", []), (2.5, []), ("long", ["patience"])):
        reply = provider.CheckConfig(pb.CheckRequest(news=encode({"toolKey": "5", "patience": given})))
        assert [f.property for f in reply.failures] == failures


def test_an_object_that_is_not_complete_is_read_before_the_next_update(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed_with(call: Callable[[], Any]) -> pb.ErrorResourceInitFailed:
        details = dict(error_of(call).trailing_metadata())["grpc-status-details-bin"]
        failed = pb.ErrorResourceInitFailed()
        assert status_pb2.Status.FromString(details).details[0].Unpack(failed)
        return failed

    ToyPackage.carpentry.broken_after_create = True
    assert failed_with(lambda: create(provider, name="a")).refresh_before_update
    ToyPackage.carpentry.broken_after_create = False
    made = create(provider, name="a")
    monkeypatch.setattr(Shelf, "is_incomplete", lambda *_: True)
    # The engine resumes by Update, and calls that only for what is not initialized.
    inputs = encode({"name": "a"})
    again = failed_with(
        lambda: provider.Read(pb.ReadRequest(urn=URN, id="s1", properties=made.properties, inputs=inputs))
    )
    assert again.refresh_before_update
    assert (again.id, decode(again.inputs).values) == ("s1", {"name": "a"})
    assert decode(again.properties).values["shelfId"] == "s1"
    assert provider.Read(pb.ReadRequest(urn=URN, id="s1")).id == "s1", "an import does not care"


def test_a_read_ends_when_the_engine_says(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    create(provider, name="a")
    left: list[float] = []
    read = Shelf.read

    def spied(self: Shelf, id: str, prior: ShelfState | None, ctx: Any) -> Any:
        left.append(ctx.remaining())
        return read(self, id, prior, ctx)

    monkeypatch.setattr(Shelf, "read", spied)
    provider.Read(pb.ReadRequest(urn=URN, id="s1", timeout=20))
    provider.Read(pb.ReadRequest(urn=URN, id="s1"))
    assert 0 < left[0] <= 20 < 200 < left[1] <= 300


def test_a_function_that_costs_something_is_checked_and_not_called_in_a_preview(provider: Any) -> None:
    def invoke(question: str, *, preview: bool, name: str = "getSurvey") -> Any:
        arguments = encode({"question": question})
        return provider.Invoke(pb.InvokeRequest(tok=f"toy:index:{name}", args=arguments, preview=preview))

    assert decode(getattr(invoke("why", preview=False), "return")).values == {"answer": "WHY"}
    skipped = invoke("why", preview=True)
    assert not skipped.HasField("return")
    assert not skipped.failures
    assert not invoke("why", preview=True, name="sweep").HasField("return")
    assert decode(getattr(invoke("why", preview=False, name="sweep"), "return")).values == {"answer": "WHY"}
    (failure,) = invoke("too long a question", preview=True).failures
    assert failure.property == "question"
