from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from resourcekit.fields import Arguments, field_specs
from resourcekit.planning.validate import validate_arguments, validate_declaration
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import Shelf, ShelfArgs


def reasons(given: dict) -> dict[str, str]:
    return {f.property: f.reason for f in validate_arguments(ShelfArgs, given).failures}


def test_normal_form_drops_null_and_coerces_whole_numbers() -> None:
    given = {"name": "a", "wood_kind": None, "seats": 4.0, "height": Decimal("2.5"), "limits": {"max_books": 2.0}}
    checked = validate_arguments(ShelfArgs, given)
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
        ({"name": "a", "seats": 1.5}, "seats", "must be a whole number"),
        ({"name": "a", "labels": {"x": 1}}, "labels.x", "string"),
        ({"name": "a", "limits": {"max_books": "many"}}, "limits.max_books", "must be a whole number"),
        ({"name": "a", "tags": "red"}, "tags", "must be a list"),
        ({"name": "a", "labels": ["red"]}, "labels", "must be a map"),
        ({"name": "a", "limits": "many"}, "limits", "must be an object"),
        ({"name": "a", "seats": True}, "seats", "must be a whole number"),
        ({"name": "a", "seats": "4"}, "seats", "must be a whole number"),
        ({"name": "a", "height": "2.5"}, "height", "number"),
        ({"name": "a", "height": False}, "height", "number"),
        ({"name": "a", "guarded": "off"}, "guarded", "must be true or false"),
        ({"name": "a", "guarded": 1}, "guarded", "must be true or false"),
        ({"name": "a", "limits": {"max_books": True}}, "limits.max_books", "must be a whole number"),
        ({"name": "a", "tags": ["x", 1]}, "tags.1", "string"),
    ],
)
def test_a_broken_rule_names_its_property(given: dict, path: str, text: str) -> None:
    found = reasons(given)
    assert list(found) == [path]
    assert text in found[path]


def test_null_entries_of_maps_are_left_out() -> None:
    checked = validate_arguments(ShelfArgs, {"name": "a", "labels": {"x": "red", "y": None, "z": UNKNOWN}})
    assert (checked.values["labels"], checked.failures) == ({"x": "red", "z": UNKNOWN}, ())


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    assert "did you mean `height`?" in reasons({"name": "a", "heigth": 2})["heigth"]


def test_unknown_values_pass_and_their_known_neighbours_are_still_checked() -> None:
    checked = validate_arguments(ShelfArgs, {"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": "x"}, "tags": [UNKNOWN]})
    assert checked.failures == ()
    assert checked.values == {"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": "x"}, "tags": [UNKNOWN]}
    assert "labels.b" in reasons({"name": UNKNOWN, "labels": {"a": UNKNOWN, "b": 1}})


class Pin(BaseModel):
    """An object that lists hold."""

    model_config = ConfigDict(extra="forbid")

    book: str
    edition: int = Field(ge=1)


class Order(Arguments):
    pins: list[Pin] | None = None
    first: Pin | None = None


def test_objects_are_checked_field_by_field_in_lists_and_beside_unknowns() -> None:
    known = {"book": "a", "edition": 2.0}
    assert validate_arguments(Order, {"pins": [known], "first": known}).values["pins"] == [{"book": "a", "edition": 2}]
    given = {
        "pins": [
            {"book": UNKNOWN, "edition": 1},
            UNKNOWN,
            {"book": UNKNOWN, "edition": 0},
            {"edition": 1, "boook": "a"},
        ],
        "first": {"book": UNKNOWN, "edition": "first"},
    }
    found = {failure.property: failure.reason for failure in validate_arguments(Order, given).failures}
    assert found.keys() == {"pins.2.edition", "pins.3.book", "pins.3.boook", "first.edition"}
    assert found["pins.3.book"] == "missing required property"
    assert "did you mean `book`?" in found["pins.3.boook"]
    assert validate_arguments(Order, {"first": {"book": UNKNOWN, "edition": 2.0}}).values == {
        "first": {"book": UNKNOWN, "edition": 2}
    }


def test_rules_across_arguments_run_when_each_is_right() -> None:
    shelf = Shelf()
    assert validate_declaration(shelf, {"name": "oak", "wood_kind": "oak"}).failures[0].property == "name"
    assert validate_declaration(shelf, {"name": "a", "wood_kind": UNKNOWN}).failures == ()


def test_threads_that_read_a_declaration_at_once_share_one() -> None:
    """Each field has its own validator, for as long as any thread holds the field."""
    both = threading.Barrier(2)

    def default() -> int:
        both.wait(30)
        return 1

    model = create_model("Raced", __base__=Arguments, field=(int, Field(default_factory=default)))
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(field_specs, (model, model))
    assert first is second is field_specs(model)


def test_no_field_gets_the_validator_of_another() -> None:
    """Fields that are gone leave their place in memory to others."""
    for number in range(20):
        kind, value = ((int, 5), (str, "text"))[number % 2]
        both = threading.Barrier(2)

        def default(both: threading.Barrier = both, value: Any = value) -> Any:
            both.wait(30)
            return value

        field: Any = (kind, Field(default_factory=default))
        model = create_model(f"Model{number}", __base__=Arguments, field=field)
        with ThreadPoolExecutor(2) as threads:
            found = list(threads.map(validate_arguments, (model, model), ({"field": value}, {"field": value})))
        assert [each.failures for each in found] == [(), ()]
        gc.collect()
