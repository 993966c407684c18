"""Components: what goes along with a value on its way from the program to a child and back."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pydantic import BaseModel

from resourcekit.component import ChildRef, Output, merge_outputs, resolve_refs
from resourcekit.errors import CheckFailure
from resourcekit.field_types import ObjectType
from resourcekit.fields import Arguments, Result, Secret
from resourcekit.pulumi.casing import camel_path
from resourcekit.pulumi.component_registration import component_request
from resourcekit.pulumi.properties import read_outputs, write_outputs
from resourcekit.pulumi.property_value import OUTPUT, SECRET, SIGNATURE, decode, decode_outputs, encode
from resourcekit.pulumi.rpc_errors import InvalidInputsError
from resourcekit.unknown import UNKNOWN


class Pin(BaseModel):
    book_uuid: str
    labels: dict[str, Any] | None = None


class LibraryArgs(Arguments):
    name: str
    pins: list[Pin] | None = None
    main_pin: Pin | None = None


class LibraryResult(Result):
    room: str
    keys: Annotated[dict[str, str] | None, Secret()] = None
    open_pins: list[Pin] | None = None


def marked(mark: str, **entries: Any) -> dict[str, Any]:
    return {SIGNATURE: mark, **entries}


def output(value: Any, *sources: str, secret: bool = False) -> dict[str, Any]:
    return marked(OUTPUT, value=value, secret=secret, dependencies=list(sources))


def read(values: dict[str, Any], **sources: set[str]) -> dict[str, Any]:
    return read_outputs(LibraryArgs, encode(values), {name: frozenset(urns) for name, urns in sources.items()})


def test_each_value_knows_its_own_sources_and_whether_it_is_secret() -> None:
    found = read(
        {
            "name": output("a", "urn:a", secret=True),
            "pins": [
                {
                    "bookUuid": output("b", "urn:b"),
                    "labels": {"k": marked(SECRET, value="s"), "l": output("m", "urn:m")},
                },
                {"bookUuid": "plain", "labels": None},
            ],
        },
        pins={"urn:b", "urn:m"},
    )
    assert found == {
        "name": Output("a", secret=True, sources=frozenset({"urn:a"})),
        "pins": [
            {
                "book_uuid": Output("b", sources=frozenset({"urn:b"})),
                "labels": Output({"k": "s", "l": "m"}, secret=True, sources=frozenset({"urn:m"})),
            },
            {"book_uuid": Output("plain"), "labels": None},
        ],
    }


def test_what_is_marked_around_a_list_or_an_object_goes_to_what_is_in_it() -> None:
    found = read({"pins": marked(SECRET, value=[{"bookUuid": "b"}]), "mainPin": {"bookUuid": "c"}}, mainPin={"urn:c"})
    assert found["pins"] == [{"book_uuid": Output("b", secret=True)}]
    assert found["main_pin"] == {"book_uuid": Output("c", sources=frozenset({"urn:c"}))}


def test_a_list_that_is_not_known_is_one_output() -> None:
    assert read({"pins": marked(OUTPUT, dependencies=["urn:x"])}) == {
        "pins": Output(UNKNOWN, sources=frozenset({"urn:x"}))
    }
    assert read({"pins": [UNKNOWN], "mainPin": UNKNOWN}) == {"pins": [Output(UNKNOWN)], "main_pin": Output(UNKNOWN)}


def test_outputs_leave_with_their_marks_and_null_ones_do_not_leave() -> None:
    secret = Output("s", secret=True, sources=frozenset({"urn:s"}))
    sent = write_outputs(
        LibraryResult,
        {
            "room": Output("r"),
            "keys": {"front": Output("f"), "back": secret},
            "open_pins": [{"book_uuid": secret, "labels": Output(None)}],
        },
    )
    assert decode_outputs(sent) == {
        "room": "r",
        "keys": Output({"front": "f", "back": "s"}, secret=True),
        "openPins": [{"bookUuid": Output("s", secret=True)}],
    }
    nothing = write_outputs(LibraryResult, {"room": Output(UNKNOWN), "keys": None, "open_pins": Output(None)})
    assert decode(nothing).values == {"room": UNKNOWN}


def test_a_field_of_an_earlier_child_is_put_in_at_any_depth() -> None:
    made = {"shelf": {"id": Output(7, sources=frozenset({"urn:shelf"}))}}
    args = {"shelf": ChildRef("shelf", "id"), "all": [{"shelf": ChildRef("shelf", "id")}], "free": 1}
    filled = resolve_refs(args, made)
    assert merge_outputs(filled) == Output(
        {"shelf": 7, "all": [{"shelf": 7}], "free": 1}, secret=False, sources=frozenset({"urn:shelf"})
    )


def test_a_change_is_made_to_what_is_known_only() -> None:
    secret = Output(1, secret=True, sources=frozenset({"urn:x"}))
    assert secret.map(str) == Output("1", secret=True, sources=frozenset({"urn:x"}))
    for value in (UNKNOWN, [UNKNOWN]):
        assert Output(value, secret=True).map(str) == Output(UNKNOWN, secret=True)
    assert Output(None).map(str) == Output(None)


def test_paths_count_in_brackets() -> None:
    shape = ObjectType(LibraryArgs)
    assert camel_path("pins.1.book_uuid", shape) == "pins[1].bookUuid"
    assert camel_path("main_pin.labels.a_b", shape) == "mainPin.labels.a_b"


def test_the_engine_is_given_no_path_to_a_secret_because_it_would_print_it() -> None:
    failures = [CheckFailure("pins.0.book_uuid", "must be a UUID"), CheckFailure("main_pin.book_uuid", "must be `a_b`")]
    invalid = InvalidInputsError(LibraryArgs, failures, {"mainPin"})
    assert [(each.property_path, each.reason) for each in invalid.detail.errors] == [
        ("pins[0].bookUuid", "must be a UUID")
    ]
    assert str(invalid) == "invalid inputs: mainPin.bookUuid: must be `aB`"


def test_options_that_the_engine_hands_on_to_children_are_the_components() -> None:
    request = pb.ConstructRequest(
        type="toy:index:Library", name="l", parent="urn:p", protect=True, deletedWith="urn:d", providers={"toy": "ref"}
    )
    request.aliases.add(urn="urn:old")
    request.dependencies.append("urn:dep")
    request.inputDependencies["name"].urns.append("urn:dep")
    request.resource_hooks.after_create.append("hook")
    request.replace_with.append("urn:r")
    request.replacement_trigger.string_value = "one"
    sent = component_request(request)
    assert (sent.type, sent.name, sent.parent, sent.custom, sent.remote) == (
        "toy:index:Library", "l", "urn:p", False, False,
    )  # fmt: skip
    assert (sent.protect, sent.HasField("retainOnDelete"), sent.deletedWith) == (True, False, "urn:d")
    assert (sent.aliases[0].urn, dict(sent.providers), list(sent.hooks.after_create)) == (
        "urn:old", {"toy": "ref"}, ["hook"],
    )  # fmt: skip
    assert (list(sent.replace_with), sent.replacement_trigger.string_value) == (["urn:r"], "one")
    assert list(sent.propertyDependencies["name"].urns) == ["urn:dep"]


@pytest.mark.parametrize("protect", [None, False])
def test_protection_that_the_program_does_not_speak_of_is_left_open(protect: bool | None) -> None:
    assert component_request(pb.ConstructRequest(protect=protect)).HasField("protect") is (protect is not None)
