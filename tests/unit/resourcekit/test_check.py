from __future__ import annotations

import pytest

from resourcekit.planning.check import check_arguments, check_declared
from resourcekit.unknown import UNKNOWN
from support.toy import Shelf, ShelfArgs


def reasons(given: dict) -> dict[str, str]:
    return {f.property: f.reason for f in check_arguments(ShelfArgs, given).failures}


def test_normal_form_drops_null_and_coerces_whole_numbers() -> None:
    checked = check_arguments(ShelfArgs, {"name": "a", "wood_kind": None, "seats": 4.0, "limits": {"max_books": 2.0}})
    assert checked.failures == ()
    assert checked.values == {"name": "a", "seats": 4, "limits": {"max_books": 2}}
    assert type(checked.values["seats"]) is int


@pytest.mark.parametrize(
    ("given", "path", "text"),
    [
        ({}, "name", "missing"),
        ({"name": None}, "name", "missing"),
        ({"name": "UP"}, "name", "must be lowercase"),
        ({"name": 3}, "name", "string"),
        ({"name": "a", "height": 0}, "height", "greater than 0"),
        ({"name": "a", "seats": 1.5}, "seats", "integer"),
        ({"name": "a", "labels": {"x": 1}}, "labels.x", "string"),
        ({"name": "a", "limits": {"max_books": "many"}}, "limits.max_books", "integer"),
        ({"name": "a", "tags": "red"}, "tags", "list"),
    ],
)
def test_a_broken_rule_names_its_property(given: dict, path: str, text: str) -> None:
    found = reasons(given)
    assert list(found) == [path]
    assert text in found[path]


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    assert "did you mean `height`?" in reasons({"name": "a", "heigth": 2})["heigth"]


def test_unknown_values_pass_and_their_known_neighbours_are_still_checked() -> None:
    checked = check_arguments(ShelfArgs, {"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": "x"}, "tags": [UNKNOWN]})
    assert checked.failures == ()
    assert checked.values == {"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": "x"}, "tags": [UNKNOWN]}
    assert "labels.b" in reasons({"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": 1}})


def test_rules_across_arguments_run_when_each_is_right() -> None:
    shelf = Shelf()
    assert check_declared(shelf, {"name": "oak", "wood_kind": "oak"}).failures[0].property == "name"
    assert check_declared(shelf, {"name": "a", "wood_kind": UNKNOWN}).failures == ()
