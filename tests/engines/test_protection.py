"""A protected database keeps what depends on it: a run that would delete it deletes none of the rest first."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from support.broken_creates import TABLE, there
from support.control_plane import ControlPlane
from support.naming import unique
from support.process_kill import processes
from support.pulumi import Stack

URN = "urn:pulumi:dev::story::polykomos:index:"
KINDS = ("databases", "blueprints", "webhook_endpoints")
AFTER: dict[str, Any] = {"dependsOn": ["${db}"]}


def program(name: str, *, protected: bool = True, **options: Any) -> dict[str, Any]:
    """A database, and what depends on it by a value and by `dependsOn`; `free` does not."""
    return {
        "db": ("Database", {"name": name, "deletionProtection": protected}, options),
        "bp": ("Blueprint", {"name": name, "sqlContent": TABLE}),
        "app": ("BlueprintApplication", {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}),
        "hook": ("WebhookEndpoint", {"url": f"https://example.com/{name}"}, dict(AFTER)),
        "second": ("Database", {"name": f"{name}-two"}, dict(AFTER)),
        "free": ("Blueprint", {"name": f"{name}-free", "sqlContent": "SELECT 1"}),
    }


def ids_in_state(stack: Stack) -> dict[str, str]:
    """The ids in the state, by the resources' names."""
    resources = stack.state()["deployment"].get("resources", [])
    return {
        each["urn"].rpartition("::")[2]: each["id"]
        for each in resources
        if each.get("id") and "pulumi:providers" not in each["type"]
    }


@pytest.fixture
def names(stack: Stack, control_plane: ControlPlane) -> Callable[[], dict[str, str]]:
    """What the state holds, after a look that all of it is there at the API too."""

    def look() -> dict[str, str]:
        found = ids_in_state(stack)
        ids = {str(each) for kind in KINDS for each in there(control_plane, kind)}
        assert {each for name, each in found.items() if name != "app"} <= ids
        return found

    return look


@contextlib.contextmanager
def unreadable_state(stack: Stack) -> Iterator[None]:
    """Empty the file beside the checkpoint as soon as a plugin runs, and again and again until the end.

    Pulumi's file backend empties this file for a moment whenever it writes the checkpoint. An export fails meanwhile.
    """
    (attributes,) = (stack.directory / ".state").glob(".pulumi/stacks/*/dev.json.attrs")
    ended = threading.Event()

    def empty() -> None:
        while not ended.wait(0.005):
            if processes(stack.directory / ".home" / ".pulumi", "pulumi-resource-polykomos"):
                break
        while not ended.wait(0.005):
            attributes.write_bytes(b"")

    emptying = threading.Thread(target=empty)
    emptying.start()
    try:
        yield
    finally:
        ended.set()
        emptying.join()
        attributes.unlink()


def runs(stack: Stack) -> int:
    """How often the blueprint has run in the database."""
    with psycopg.connect(stack.outputs()["url"]) as conn:
        row = conn.execute("SELECT count(*) FROM seen").fetchone()
    assert row is not None
    return int(row[0])


def test_nothing_around_a_protected_database_is_deleted(stack: Stack, names: Callable[[], dict[str, str]]) -> None:
    name = unique("kept")
    url = {"url": "${db.connectionString}"}
    stack.write(program(name), url)
    stack.up()
    before = names()
    for words in (
        (),
        ("--exclude-protected",),
        ("--continue-on-error",),
        ("--target", f"{URN}Database::db", "--target-dependents"),
        ("--target", f"{URN}BlueprintApplication::app", "--target", f"{URN}Database::db", "--target-dependents"),
        ("--exclude", f"{URN}Blueprint::free"),
    ):
        refused = stack.destroy(*words, ok=False)
        assert f"{name} ({before['db']}) has `deletionProtection`" in refused.diagnostics, words
        assert names() == before, words
    # A program that declares none of them any more. What does not depend on the database may go.
    stack.write({"free": program(name)["free"]})
    refused = stack.up(ok=False)
    assert "it depends on an object that must stay" in refused.diagnostics
    assert names() == before
    stack.write({})
    stack.up(ok=False)
    assert names() | {"free": before["free"]} == before
    # And back: nothing is made again, no SQL is run again.
    rest = {each: entry for each, entry in program(name).items() if each != "free"}
    stack.write(rest, url)
    stack.up()
    assert runs(stack) == 1
    stack.assert_no_changes()
    # What the program drops while it keeps the database goes, and so does what a target names.
    stack.destroy("--target", f"{URN}WebhookEndpoint::hook")
    stack.write({each: entry for each, entry in rest.items() if each not in ("hook", "second")}, url)
    stack.up()
    assert set(names()) == {"db", "bp", "app"}
    stack.write(program(name, protected=False))
    stack.up()
    stack.destroy()
    assert ids_in_state(stack) == {}


def test_a_forced_replacement_that_deletes_first(stack: Stack, names: Callable[[], dict[str, str]]) -> None:
    """The engine deletes what depends on the database before it tells that the database is to go."""
    stack.write(program(unique("forced"), deleteBeforeReplace=True))
    stack.up()
    before = names()
    refused = stack.up("--target-replace", f"{URN}Database::db", "--target-dependents", ok=False)
    assert "has `deletionProtection`" in refused.diagnostics
    assert names() == before
    with unreadable_state(stack):
        refused = stack.destroy("--continue-on-error", ok=False)
    assert "`pulumi stack export --stack dev` failed" in refused.diagnostics
    assert names() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"replaceOnChanges": ["connectionHardLimit"]}),
        ({"replacementTrigger": "one"}, {"replacementTrigger": "two"}),
    ],
)
def test_a_replacement_that_the_program_forces_without_a_preview(
    stack: Stack, names: Callable[[], dict[str, str]], before: dict[str, Any], after: dict[str, Any]
) -> None:
    """It stands in no command line, and in the state only as it was before."""
    name = unique("forced")
    stack.write(program(name, deleteBeforeReplace=True, **before))
    stack.up()
    there = names()
    forced = program(name, deleteBeforeReplace=True, **after)
    forced["db"][1]["connectionHardLimit"] = 7
    stack.write(forced)
    refused = stack.up(ok=False)
    assert "has `deletionProtection`" in refused.diagnostics
    assert names() == there
    entries = stack.state()["deployment"]["resources"]
    assert not [each["urn"] for each in entries if each.get("pendingReplacement")]


def test_pulumis_own_protection_and_what_depends_on_it(stack: Stack, names: Callable[[], dict[str, str]]) -> None:
    """`--exclude-protected` spares the database; its application is not forgotten beside it."""
    stack.write(program(unique("own"), protect=True))
    stack.up()
    before = names()
    refused = stack.destroy("--exclude-protected", ok=False)
    assert "it depends on an object that must stay" in refused.diagnostics
    assert names() | {"free": before["free"]} == before
    stack.write(program(unique("own"), protected=False))
    stack.up()
    stack.destroy()
