from __future__ import annotations

from resourcekit.planning.plan import inputs_from_state, plan_create, plan_update
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import Shelf, ShelfState

SHELF = Shelf()
PRIOR = {"name": "a", "wood_kind": "oak", "shelf_id": "s1", "version": 3, "touched_at": "now", "pin": "1"}


def test_a_create_knows_its_arguments_and_nothing_that_the_api_fills_in() -> None:
    planned = plan_create(SHELF, {"name": "a", "seats": 2})
    assert planned["name"] == "a"
    assert planned["seats"] == 2
    assert planned["labels"] is None
    for name in ("wood_kind", "height", "shelf_id", "version", "touched_at", "pin"):
        assert planned[name] is UNKNOWN, name


def test_an_update_keeps_what_no_change_moves() -> None:
    planned = plan_update(SHELF, {"name": "b", "wood_kind": "oak"}, PRIOR, {"name"})
    assert planned["shelf_id"] == "s1"
    assert planned["version"] == 3
    assert planned["touched_at"] is UNKNOWN
    assert plan_update(SHELF, {"labels": {}}, PRIOR, {"labels"})["version"] is UNKNOWN


def test_what_the_api_never_sees_moves_nothing_there() -> None:
    planned = plan_update(SHELF, {"name": "a", "guarded": True}, PRIOR, {"guarded"})
    assert (planned["guarded"], planned["touched_at"], planned["version"]) == (True, "now", 3)
    assert plan_update(SHELF, {"name": "b", "guarded": True}, PRIOR, {"guarded", "name"})["touched_at"] is UNKNOWN


def test_no_change_leaves_everything_known() -> None:
    planned = plan_update(SHELF, {"name": "a"}, PRIOR, set())
    assert UNKNOWN not in planned.values()
    assert planned["wood_kind"] == "oak"


def test_a_cleared_argument_is_unknown_when_the_api_fills_it() -> None:
    assert plan_update(SHELF, {"name": "a"}, {**PRIOR, "height": 2.0}, {"height"})["height"] is UNKNOWN


def state(**values: object) -> ShelfState:
    return ShelfState.model_validate({"name": "a", "wood_kind": "oak", "height": 2.0, "shelf_id": "s1", **values})


def test_refresh_gives_the_programs_arguments_with_todays_values() -> None:
    live = inputs_from_state(
        SHELF, {"name": "old", "labels": {"x": "1"}, "seed": "s", "guarded": True}, state(), imported=False
    )
    assert live == {"name": "a", "seed": "s", "guarded": True}, "labels are gone; seed and guarded are never reported"


def test_refresh_keeps_the_spelling_of_what_means_the_same() -> None:
    assert inputs_from_state(SHELF, {"tags": ["b", "a"]}, state(tags=["a", "b"]), imported=False) == {
        "tags": ["b", "a"]
    }


def test_import_gives_every_reported_argument_but_overrides() -> None:
    assert inputs_from_state(SHELF, {}, state(), imported=True) == {"name": "a", "wood_kind": "oak"}


def test_what_is_nested_is_given_as_a_program_writes_it() -> None:
    with_limits = state(limits={"max_books": 3})
    assert inputs_from_state(SHELF, {}, with_limits, imported=True)["limits"] == {"max_books": 3}
    refreshed = inputs_from_state(SHELF, {"limits": {"max_books": 9}}, with_limits, imported=False)
    assert refreshed == {"limits": {"max_books": 3}}
    assert type(refreshed["limits"]) is dict, "a model would reach the wire as pairs"
