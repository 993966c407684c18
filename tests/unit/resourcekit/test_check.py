from __future__ import annotations

from decimal import Decimal

import pytest

from resourcekit.planning.check import check_arguments, check_resource
from resourcekit.unknown import UNKNOWN
from support.toy import Shelf, ShelfArgs


def reasons(given: dict) -> dict[str, str]:
    return {f.property: f.reason for f in check_arguments(ShelfArgs, given).failures}


def test_normal_form_drops_null_and_coerces_whole_numbers() -> None:
    given = {"name": "a", "wood_kind": None, "seats": 4.0, "height": Decimal("2.5"), "limits": {"max_books": 2.0}}
    checked = check_arguments(ShelfArgs, given)
    assert checked.failures == ()
    assert checked.values == {"name": "a", "seats": 4, "height": 2.5, "limits": {"max_books": 2}}
    assert type(checked.values["seats"]) is int
    assert type(checked.values["height"]) is float


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
        ({"name": "a", "seats": True}, "seats", "integer"),
        ({"name": "a", "seats": "4"}, "seats", "integer"),
        ({"name": "a", "height": "2.5"}, "height", "number"),
        ({"name": "a", "height": False}, "height", "number"),
        ({"name": "a", "guarded": "off"}, "guarded", "boolean"),
        ({"name": "a", "guarded": 1}, "guarded", "boolean"),
        ({"name": "a", "limits": {"max_books": True}}, "limits.max_books", "integer"),
        ({"name": "a", "tags": ["x", 1]}, "tags.1", "string"),
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
    assert check_resource(shelf, {"name": "oak", "wood_kind": "oak"}).failures[0].property == "name"
    assert check_resource(shelf, {"name": "a", "wood_kind": UNKNOWN}).failures == ()
