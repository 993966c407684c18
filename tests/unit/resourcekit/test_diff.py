from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resourcekit.planning.diff import ChangeKind, Diff, diff
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import ShelfArgs

STATE = {"name": "a", "wood_kind": "oak", "height": 2.0, "seats": None, "labels": {"x": "1"}, "tags": ["b", "a"]}
INPUTS = {"name": "a", "labels": {"x": "1"}, "tags": ["b", "a"]}


def run(news: dict[str, Any], state: Any = None, old: Any = None, ignore: tuple[str, ...] = ()) -> Diff:
    return diff(ShelfArgs, state=state or STATE, old_inputs=INPUTS if old is None else old, news=news, ignore=ignore)


def kinds(found: Diff) -> dict[str, tuple[ChangeKind, bool]]:
    return {".".join(c.path): (c.kind, c.replaces) for c in found.changes}


def test_what_is_there_already_is_no_change() -> None:
    assert run(INPUTS).changes == ()
    assert run({**INPUTS, "wood_kind": "oak", "height": 2}).changes == ()
    assert run({**INPUTS, "tags": ["a", "b", "a"]}).changes == (), "a set has no order"
    assert run({**INPUTS, "guarded": None}).changes == ()
    bare = {**STATE, "tags": [], "labels": None}
    assert run({"name": "a"}, state=bare, old={"name": "a", "tags": []}).changes == (), "no tags and an empty list"
    assert run({"name": "a", "labels": {}}, state=bare, old={"name": "a"}).changes == ()


@pytest.mark.parametrize(("there", "given"), [(True, 1), (False, 0), ({"x": [True]}, {"x": [1]}), ([{}], [{"x": 1}])])
def test_values_are_compared_as_an_api_does(there: Any, given: Any) -> None:
    """To Python, true is 1."""
    state = {**STATE, "labels": {"x": there, "y": 1}}
    assert kinds(run({**INPUTS, "labels": {"x": given, "y": 1.0}}, state=state)).keys() <= {"labels.x", "labels.x.x"}
    assert run({**INPUTS, "labels": {"x": given, "y": 1.0}}, state=state).changed == {"labels"}
    assert run({**INPUTS, "labels": {"x": there, "y": 1.0}}, state=state).changed == set()


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        ({"name": "b"}, {"name": (ChangeKind.UPDATE, False)}),
        ({"wood_kind": "elm"}, {"wood_kind": (ChangeKind.UPDATE, True)}),
        ({"wood_kind": UNKNOWN}, {"wood_kind": (ChangeKind.UPDATE, True)}),
        ({"seats": 3}, {"seats": (ChangeKind.ADD, False)}),
        (
            {"labels": {"x": "2", "y": "1"}},
            {"labels.x": (ChangeKind.UPDATE, False), "labels.y": (ChangeKind.ADD, False)},
        ),
        ({"labels": {}}, {"labels.x": (ChangeKind.DELETE, False)}),
        ({"tags": ["a"]}, {"tags": (ChangeKind.UPDATE, False)}),
    ],
)
def test_changes_say_how(news: dict, expected: dict) -> None:
    assert kinds(run({**INPUTS, **news})) == expected


def test_drift_in_the_state_shows_although_the_program_is_unchanged() -> None:
    assert kinds(run(INPUTS, state={**STATE, "name": "renamed"})) == {"name": (ChangeKind.UPDATE, False)}


def test_leaving_out_clears_the_clearable_and_keeps_the_servers_choice() -> None:
    with_both = {**INPUTS, "height": 2.0, "wood_kind": "oak"}
    assert kinds(run(INPUTS, old=with_both)) == {"height": (ChangeKind.DELETE, False)}
    assert run(INPUTS, old=INPUTS).changes == (), "never given: the server's own"
    without_labels = {k: v for k, v in INPUTS.items() if k != "labels"}
    assert kinds(run(without_labels)) == {"labels": (ChangeKind.DELETE, False)}


def test_a_create_only_argument_is_refused_later_with_its_advice() -> None:
    state = {**STATE, "seed": "s"}
    (refusal,) = run({**INPUTS, "seed": "t"}, state=state).errors
    assert refusal.property == "seed"
    assert "Use a Sower." in refusal.reason
    assert run({**INPUTS, "seed": "s"}, state=state) == Diff()
    assert run(INPUTS, state=state) == Diff(), "taking it out is the way out"
    assert run({**INPUTS, "seed": "t"}).errors, "adding one later too"
    replaced = run({**INPUTS, "seed": "t", "wood_kind": "elm"}, state=state)
    assert replaced.replaces
    assert not replaced.errors, "a new object is created with it"


def test_ignored_arguments_are_left_alone() -> None:
    assert run({**INPUTS, "name": "b", "seats": 1}, ignore=("name",)).changed == {"seats"}


@given(st.dictionaries(st.sampled_from(["name", "wood_kind", "seats", "labels"]), st.just(UNKNOWN)))
def test_an_unknown_is_always_a_change(unknowns: dict) -> None:
    assert run({**INPUTS, **unknowns}).changed == set(unknowns)


def test_a_create_only_argument_may_turn_out_to_be_what_it_was() -> None:
    sown = {**INPUTS, "seed": "poppy"}
    assert [each.property for each in run({**sown, "seed": "rose"}, old=sown).errors] == ["seed"]
    open_ = run({**sown, "seed": UNKNOWN}, old=sown)
    assert (open_.errors, kinds(open_)) == ((), {"seed": (ChangeKind.UPDATE, False)})
    assert [each.property for each in run({**INPUTS, "seed": UNKNOWN}).errors] == ["seed"], "there was none"
    borne = diff(ShelfArgs, state=STATE, old_inputs=sown, news={**sown, "seed": "rose"}, recorded=["seed"])
    assert (borne.errors, kinds(borne)) == ((), {"seed": (ChangeKind.UPDATE, False)})
