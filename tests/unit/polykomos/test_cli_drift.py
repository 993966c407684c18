"""Drift read from the engines' own answers, and told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from polykomos_provider.cli import main
from polykomos_provider.drift import pulumi, terraform
from polykomos_provider.drift.drift import CHANGED, GONE, Change, Drift, as_json
from polykomos_provider.drift.report import as_markdown, as_text, headline, shown

URN = "urn:pulumi:dev::p::polykomos:index:Database::orders"


def step(
    op: str, old: dict[str, Any], new: dict[str, Any] | None, diff: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "op": op,
        "urn": URN,
        "oldState": {"type": "polykomos:index:Database", "outputs": old},
        "newState": None if new is None else {"type": "polykomos:index:Database", "outputs": new},
        "detailedDiff": diff,
    }


def test_what_pulumi_calls_the_same_is_no_drift() -> None:
    steps = [step(op, {"a": 1}, {"a": 2}) for op in ("same", "refresh", "read")]
    assert pulumi.drifts({"steps": steps}) == pulumi.drifts({}) == []


def test_pulumis_changes_and_losses() -> None:
    old = {"name": "a", "port": 1, "gone": True, "password": "[secret]", "nested": {"x": ["[secret]"]}}
    new = {"name": "b", "port": 1, "extra": 2, "password": "[secret]", "nested": {"x": ["y", "[secret]"]}}
    diff = {"password": {"kind": "update"}, 'tags["a.b"].c[0]': {"kind": "add"}, "nested.x[0]": {"kind": "update"}}
    changed, gone = pulumi.drifts({"steps": [step("update", old, new, diff), step("delete", old, None)]})
    assert changed == Drift(
        "orders", "polykomos:index:Database", URN, CHANGED,
        (
            Change("extra", None, 2),
            Change("gone", True, None),
            Change("name", "a", "b"),
            Change("nested", secret=True),
            Change("password", secret=True),
            Change("tags"),
        ),
    )  # fmt: skip
    assert (gone.what, gone.changes) == (GONE, ())


def test_only_diagnostics_of_severity_error_are_errors() -> None:
    told = [{"message": "error: no\n", "severity": "error"}, {"message": "hm", "severity": "warning"}]
    assert pulumi.errors({"diagnostics": told}) == ["error: no"]
    assert pulumi.errors({"diagnostics": None}) == []


def change(actions: list[str], before: Any, after: Any, **marks: Any) -> dict[str, Any]:
    sensitive = {"before_sensitive": {}, "after_sensitive": {}, **marks}
    return {
        "address": "module.m.polykomos_database.db[0]",
        "type": "polykomos_database",
        "change": {"actions": actions, "before": before, "after": after, **sensitive},
    }


def test_terraforms_changes_and_losses() -> None:
    before = {"name": "a", "same": 1, "plain": [1], "password": "p1", "map": {"k": "v1"}, "list": ["l1"]}
    after = {"name": "b", "same": 1, "plain": [2], "password": "p2", "map": {"k": "v2"}, "list": ["l2"]}
    marks = {
        "before_sensitive": {"password": True, "map": {"k": True}, "same": 0, "plain": [False]},
        "after_sensitive": {"list": [True]},
    }
    changed, gone = terraform.drifts(
        {"resource_drift": [change(["update"], before, after, **marks), change(["delete"], before, None)]}
    )
    assert changed.name == changed.address == "module.m.polykomos_database.db[0]"
    assert changed.changes == (
        Change("list", secret=True),
        Change("map", secret=True),
        Change("name", "a", "b"),
        Change("password", secret=True),
        Change("plain", [1], [2]),
    )
    assert (gone.what, gone.changes) == (GONE, ())
    (all_secret,) = terraform.drifts({"resource_drift": [change(["update"], before, after, after_sensitive=True)]})
    assert all(each.secret for each in all_secret.changes)


def test_terraforms_outputs_follow() -> None:
    outputs = {
        "url": {"actions": ["update"], "before": "a", "after": "b", "after_sensitive": True},
        "name": {"actions": ["update"], "before": "a", "after": "b", "before_sensitive": False},
        "same": {"actions": ["no-op"], "before": "a", "after": "a"},
    }
    found = terraform.drifts({"output_changes": outputs})
    assert [(each.name, each.changes) for each in found] == [
        ("output.url", (Change("value", secret=True),)),
        ("output.name", (Change("value", "a", "b"),)),
    ]


REPORTED = [
    Drift("db", "t", "t.db", CHANGED, (Change("name", "a|b`c", "x\ny"), Change("password", secret=True))),
    Drift("hook", "t", "t.hook", GONE),
]


def test_the_report_for_a_terminal() -> None:
    text = as_text(REPORTED)
    assert "Drift: 1 changed, 1 gone." in text
    assert '      name: "a|b`c" -> "x\\ny"\n      password: (secret) changed\n' in text
    assert " hook (t): gone\n" in text
    assert headline([]) == "No drift: everything is as it was left."
    assert as_text([Drift("evil\x1b[2Jname\n", "t", "a", GONE)]).count("\x1b[2J") == 0


def test_the_report_in_markdown_keeps_to_its_cells() -> None:
    lines = as_markdown(REPORTED, "Drift (terraform)").splitlines()
    assert lines[0] == "### Drift (terraform)"
    assert lines[-3:] == [
        '| `db` | `t` | changed | `name` | `` "a\\|b`c" `` | `"x\\ny"` |',
        "| `db` | `t` | changed | `password` | (secret) | (secret) |",
        "| `hook` | `t` | gone |  |  |  |",
    ]
    assert as_markdown([], "T") == "### T\n\nNo drift: everything is as it was left.\n"


def test_the_report_for_programs() -> None:
    told = json.loads(as_json("pulumi", REPORTED))
    assert (told["engine"], told["drifted"]) == ("pulumi", True)
    assert told["resources"][0]["changes"][1] == {"name": "password", "before": None, "after": None, "secret": True}
    assert json.loads(as_json("pulumi", [])) == {"engine": "pulumi", "drifted": False, "resources": []}


def test_long_values_are_cut() -> None:
    assert shown("x" * 100) == '"' + "x" * 58 + "…"
    assert shown(None) == "(none)"


@pytest.mark.parametrize(
    "words",
    [
        "drfit",
        "drift",
        "drift bogus",
        "drift pulumi --bogus",
        "drift pulumi --dir /nowhere",
        "drift terraform --program no",
    ],
)
def test_a_mistake_on_the_command_line_is_not_taken_for_drift(words: str) -> None:
    assert CliRunner().invoke(main, words.split()).exit_code == 1
