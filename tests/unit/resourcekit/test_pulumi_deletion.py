"""Which Deletes are refused so that a protected object keeps what depends on it."""

from __future__ import annotations

from typing import Any

import pytest

from resourcekit.errors import ResourceError
from resourcekit.pulumi import engine_command
from resourcekit.pulumi.deletion_guard import DeletePlan, DeletionGuard, RunState
from resourcekit.pulumi.dependency_graph import DependencyGraph
from resourcekit.pulumi.engine_command import EngineCommand, parse
from resourcekit.pulumi.stack_export import DeploymentState, StackExport, StateReadError

BASE = "urn:pulumi:dev::shop::toy:index:Shelf::"
OWN = "urn:pulumi:dev::shop::pulumi:providers:toy::default::id"


def urn(name: str) -> str:
    return f"{BASE}{name}"


def entry(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    return {"urn": urn(name), "dependencies": [urn(each) for each in needs], "provider": OWN, **more}


# `db` is protected; `app`, `hook` and `second` depend on it in different ways, `bp` and `free` do not.
ENTRIES = [
    entry("bp"),
    entry("db", "bp", protected=True),
    entry("app", propertyDependencies={"databaseUuid": [urn("db")], "blueprintUuid": [urn("bp")]}),
    entry("hook", "db"),
    entry("second", deletedWith=urn("db")),
    entry("last", "second"),
    entry("free"),
    entry("old", "db", delete=True),
    {"urn": urn("component")},
    entry("part", parent=urn("component")),
    entry("behind", "component"),
]
DEPENDENTS = ["app", "hook", "second", "last"]


def refused(command: str, run: RunState | None = None, entries: list[dict[str, Any]] = ENTRIES) -> list[str]:
    plan = DeletePlan(
        DeploymentState(tuple(entries)),
        parse(command.split(), {}),
        lambda each: "db stays" if each.get("protected") else None,
    )
    names = [each["urn"].rpartition("::")[2] for each in entries if not each.get("delete")]
    return [name for name in names if name != "db" and plan.refusal(run or RunState(OWN), urn(name)) is not None]


EVERYTHING = [each["urn"].rpartition("::")[2] for each in ENTRIES if each["urn"] not in (urn("db"), urn("old"))]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("destroy --yes", EVERYTHING),
        ("down", EVERYTHING),
        ("-s up dn", EVERYTHING),
        ("destroy --stack destroy --exclude-protected", EVERYTHING),
        (f"destroy --target {urn('db')}", EVERYTHING),
        (f"destroy --target {urn('bp')} --target-dependents", EVERYTHING),
        (f"destroy -t {urn('*')}", EVERYTHING),
        (f"destroy --exclude {urn('free')}", EVERYTHING),
        (f"destroy --target {urn('app')}", ["hook", "second", "last"]),
        (f"destroy --target {urn('app')} --target {urn('db')}", EVERYTHING),
        (f"destroy --exclude {urn('db')}", DEPENDENTS),
        (f"destroy --exclude {urn('app')}", DEPENDENTS),
        (f"destroy --exclude {urn('bp')} --exclude-dependents", DEPENDENTS),
        ("up", DEPENDENTS),
        ("up --stack destroy", DEPENDENTS),
        ("", DEPENDENTS),
        (f"up --target {urn('app')}", []),
        (f"up --target {urn('db')} --target {urn('app')}", DEPENDENTS),
        (f"up --target {urn('bp')} --target-dependents", DEPENDENTS),
        (f"up --exclude {urn('db')}", []),
    ],
)
def test_what_a_command_may_delete_beside_a_protected_object(command: str, found: list[str]) -> None:
    assert refused(command) == found


def test_pulumis_own_protection_spares_an_object_and_its_surroundings() -> None:
    entries = [{**each, "protect": True} if each["urn"] == urn("db") else each for each in ENTRIES]
    assert refused("destroy --exclude-protected", entries=entries) == DEPENDENTS
    assert refused("destroy", entries=entries) == EVERYTHING


def test_what_the_program_still_declares_may_lose_what_it_does_not() -> None:
    assert refused("up", RunState(OWN, checked={urn("db")})) == []
    assert refused("up", RunState(OWN, checked={urn("app")})) == ["hook", "second", "last"], "app is replaced"


def test_dependents_of_a_protected_object_that_the_engine_replaces() -> None:
    """Before it deletes what it replaces the engine asks for the Diff of each dependent, without a Check before."""
    diffed = RunState(OWN, checked={urn("db")}, diffed={urn("app"): "1"})
    assert refused("up", diffed) == [], "it is the blueprint that is replaced"
    assert refused(f"up --replace {urn('db')}", diffed) == ["app"]
    assert refused(f"up --target-replace {urn('db')}", diffed) == ["app"]
    assert refused(f"up --replace {urn('bp')}", diffed) == []
    checked = RunState(OWN, checked={urn("db"), urn("app")}, diffed={urn("app"): "1"})
    assert refused(f"up --replace {urn('db')}", checked) == []
    tainted = [{**each, "taint": True} if each["urn"] == urn("db") else each for each in ENTRIES]
    assert refused("up", diffed, tainted) == ["app"]


@pytest.mark.parametrize(
    ("unknown", "replaced", "found"),
    [
        ({"databaseUuid"}, set(), ["app"]),
        ({"databaseUuid", "blueprintUuid"}, {urn("bp")}, ["app"]),
        ({"blueprintUuid"}, set(), []),
        ({"both"}, set(), ["app"]),
        ({"both"}, {urn("bp")}, []),
        ({"neither"}, set(), []),
    ],
)
def test_what_is_replaced_shows_in_the_properties_that_are_unknown(
    unknown: set[str], replaced: set[str], found: list[str]
) -> None:
    """`replaceOnChanges`, `replacementTrigger` and `replaceWith` stand in no command line."""
    both = {"databaseUuid": [urn("db")], "blueprintUuid": [urn("bp")], "both": [urn("db"), urn("bp")]}
    entries = [{**each, "propertyDependencies": both} if each["urn"] == urn("app") else each for each in ENTRIES]
    run = RunState(OWN, {urn("db")}, {urn("app")}, replaced, {urn("app"): frozenset(unknown)})
    assert refused("up", run, entries) == found


def test_what_another_provider_was_called_for_is_not_known() -> None:
    assert refused("up", RunState("another")) == []
    assert refused("up", RunState("")) == DEPENDENTS
    assert refused("destroy", RunState("another")) == EVERYTHING


def test_nothing_is_refused_where_nothing_is_protected() -> None:
    entries = [{**each, "protected": False} for each in ENTRIES]
    assert refused("destroy", entries=entries) == refused("up", entries=entries) == []


def test_a_state_that_does_not_hold_the_object_is_another_stacks() -> None:
    plan = DeletePlan(DeploymentState((entry("db", protected=True),)), parse(["destroy"], {}), lambda _: "db stays")
    assert plan.refusal(RunState(), urn("app")) is None


def test_a_component_stands_for_what_it_is_made_of() -> None:
    graph = DependencyGraph(ENTRIES)
    assert graph.dependencies_of(urn("behind")) == {urn("component"), urn("part")}
    assert graph.dependencies_of(urn("part")) == {urn("component")}
    assert graph.dependents_of(urn("bp")) == {urn(name) for name in ("db", *DEPENDENTS)}
    circle = DependencyGraph([entry("a", "b"), entry("b", "a")])
    assert circle.dependencies_of(urn("a")) == {urn("b")}


@pytest.mark.parametrize(
    ("words", "environment", "command"),
    [
        ([], {}, EngineCommand()),
        (["--color=never", "-C", "destroy", "up"], {}, EngineCommand()),
        (["destroy", "-t", "a", "--target=b"], {}, EngineCommand(is_destroy=True, targets=("b", "a"))),
        (["destroy", "--exclude-protected=false"], {}, EngineCommand(is_destroy=True)),
        (
            ["destroy", "--target-dependents"],
            {"PULUMI_OPTION_TARGET": 'a,"b,c"', "PULUMI_OPTION_EXCLUDE_DEPENDENTS": "true"},
            EngineCommand(is_destroy=True, targets=("a", "b,c"), with_dependents=True, spares_dependents=True),
        ),
    ],
)
def test_a_command_line(words: list[str], environment: dict[str, str], command: EngineCommand) -> None:
    assert parse(words, environment) == command


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (urn("db"), True),
        (urn("d"), False),
        (urn("*"), True),
        ("**", True),
        ("*", False),
        ("urn:pulumi:dev::shop::**Shelf::d*", True),
        ("urn:pulumi:dev::*::toy:index:Shelf::db", True),
        ("urn:pulumi:*:db", False),
    ],
)
def test_patterns_of_targets_are_the_engines(pattern: str, found: bool) -> None:
    assert EngineCommand(targets=(pattern,)).names(urn("db")) is found


class Reads(StackExport):
    """A stack whose reads return these states one after the other; None: the engine cannot export it."""

    def __init__(self, *states: DeploymentState | None) -> None:
        super().__init__(BASE, "id")
        self.states = list(states)

    def _read(self) -> DeploymentState | None:
        state = self.states.pop(0)
        if state is None:
            raise StateReadError("the export failed")
        return state


def guard(reads: Reads, monkeypatch: pytest.MonkeyPatch, command: str) -> DeletionGuard:
    monkeypatch.setattr(engine_command, "parent_command", lambda: parse([command], {}))
    return DeletionGuard(reads, RunState(OWN), lambda each: "db stays" if each.get("protected") else None)


STATE = DeploymentState(tuple(ENTRIES))
UNPROTECTED = DeploymentState(tuple({**each, "protected": False} for each in ENTRIES))


def test_nothing_is_deleted_while_the_state_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(None, None, UNPROTECTED)
    checks = guard(reads, monkeypatch, "destroy")
    for _ in range(2):
        with pytest.raises(ResourceError, match=r"cannot delete: the export failed, so .* The object was not deleted"):
            checks.check_delete(urn("free"))
    checks.check_delete(urn("free"))


@pytest.mark.parametrize(
    ("command", "states", "is_refused", "left"),
    [
        ("destroy", [STATE, UNPROTECTED], True, 1),
        ("up", [STATE, STATE], True, 0),
        ("up", [STATE, None], True, 0),
        ("up", [STATE, UNPROTECTED], False, 0),
        ("up", [UNPROTECTED, STATE], False, 1),
    ],
)
def test_a_refusal_is_checked_once_more_unless_the_second_read_fails(
    monkeypatch: pytest.MonkeyPatch, command: str, states: list[DeploymentState | None], is_refused: bool, left: int
) -> None:
    reads = Reads(*states)
    checks = guard(reads, monkeypatch, command)
    if is_refused:
        with pytest.raises(ResourceError, match=r"cannot delete: .*db stays"):
            checks.check_delete(urn("app"))
    else:
        checks.check_delete(urn("app"))
    assert len(reads.states) == left
