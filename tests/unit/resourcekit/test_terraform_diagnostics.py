"""What people are reported: the attribute, the reason, and nothing that is secret."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from resourcekit.errors import CheckError, CheckFailure, ResourceError
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.diagnostics import Diagnostics, attribute_path, rpc_handler
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession
from support.sample_vendor import PACKAGE, cabinet

TYPES = cabinet().block.types


def reported(error: Exception) -> tuple[list[str], list[list[Any]]]:
    report = Diagnostics()
    report.subject, report.types = "carpentry_cabinet", TYPES
    report.add_exception(error, "plan")
    texts = [f"{each.summary}: {each.detail}" for each in report.diagnostics]
    places = [[getattr(s, s.WhichOneof("selector")) for s in each.attribute.steps] for each in report.diagnostics]
    return texts, places


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("", []),
        ("name", ["name"]),
        ("drawers.d.depth", ["drawers", "d", "depth"]),
        ("drawers.d.nope", ["drawers", "d"]),
        ("timeouts.create", ["timeouts", "create"]),
        ("nope.x", []),
        ("name.x", ["name"]),
    ],
)
def test_paths_go_as_far_as_the_types(path: str, steps: list[str]) -> None:
    assert [getattr(step, step.WhichOneof("selector")) for step in attribute_path(path, TYPES)] == steps


def test_each_failure_has_its_attribute_path() -> None:
    texts, places = reported(
        CheckError((CheckFailure("name", "must be short"), CheckFailure("drawers.d", "must be wood")))
    )
    assert texts == ["Invalid value for name: must be short", "Invalid value for drawers.d: must be wood"]
    assert places == [["name"], ["drawers", "d"]]
    texts, places = reported(ResourceError("the API is gone", property="note"))
    assert (texts, places) == (["Cannot plan carpentry_cabinet: the API is gone"], [["note"]])
    texts, places = reported(WireError("must be a number", ("height",)))
    assert (texts, places) == (["Cannot plan carpentry_cabinet: height: must be a number"], [["height"]])


def test_an_unexpected_exception_is_reported_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        texts, _ = reported(RuntimeError("token=hush"))
    assert "internal error (RuntimeError)" in texts[0]
    assert "hush" not in texts[0] + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_warning_is_at_the_attribute_that_its_caller_names_not_at_one_that_its_text_quotes() -> None:
    report = Diagnostics()
    report.set_subject("carpentry_cabinet", TYPES)
    report.warn("is odd", attribute="name")
    report.warn("`note`: is quoted")
    assert [each.summary for each in report.diagnostics] == ["`name`: is odd", "`note`: is quoted"]
    assert [[step.attribute_name for step in each.attribute.steps] for each in report.diagnostics] == [["name"], []]


def test_what_is_hidden_is_in_no_text() -> None:
    report = Diagnostics()
    report.redact_values(["hush", "", "hush-hush"])
    report.error("saw hush-hush", "and hush", "")
    report.warn("also hush")
    assert "hush" not in str(report.diagnostics)


def test_texts_are_in_the_engines_words() -> None:
    report = Diagnostics(TerraformSession(PACKAGE).localize)
    report.error("no `Cabinet`", "declare a `Cabinet`")
    assert "carpentry_cabinet" in report.diagnostics[0].summary
    assert report.diagnostics[0].detail == "declare a `carpentry_cabinet`"


class Family:
    """A family of one call that fails."""

    session = TerraformSession(PACKAGE)

    @rpc_handler(pb.ApplyResourceChange.Response, "apply", fallback=lambda request: {"new_state": request.prior_state})
    def ApplyResourceChange(self, request: pb.ApplyResourceChange.Request, report: Diagnostics) -> Any:  # noqa: N802
        report.warn("is odd", attribute="name")
        if request.type_name:
            report.fallback_reply = {"new_state": pb.DynamicValue(msgpack=b"\xc3")}
        raise RuntimeError("hush")


def test_a_failed_call_keeps_its_warnings_and_the_state() -> None:
    prior = pb.DynamicValue(msgpack=b"\xc0")
    reply = Family().ApplyResourceChange(pb.ApplyResourceChange.Request(prior_state=prior), None)
    assert reply.new_state == prior
    assert [each.severity for each in reply.diagnostics] == [pb.Diagnostic.WARNING, pb.Diagnostic.ERROR]
    assert "hush" not in str(reply)
    made = Family().ApplyResourceChange(pb.ApplyResourceChange.Request(prior_state=prior, type_name="made"), None)
    assert made.new_state.msgpack == b"\xc3", "what has been made since"
