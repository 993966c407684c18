"""Property paths of Pulumi's options: read as the engine reads them, and what they name of a resource's arguments."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from resourcekit.fields import Arguments
from resourcekit.pulumi.property_path import IgnoredPaths, contains, format_path, parse, parse_all, to_declared


class Pin(BaseModel):
    book_name: str | None = None
    page: int | None = None


class BoardArgs(Arguments):
    board_name: str | None = None
    labels: dict[str, Any] | None = None
    pins: dict[str, Pin] | None = None
    pin_list: list[Pin] | None = None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b-c", ("a", "b-c")),
        ('a["b c"].d', ("a", "b c", "d")),
        ('["a.b"]', ("a.b",)),
        ('a["q\\"x"]', ("a", 'q"x')),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ("a.[0]", ("a", 0)),
        ("*", ("*",)),
        ("a[*].b", ("a", "*", "b")),
        ("a.*", ("a", "*")),
    ],
)
def test_the_engines_grammar(text: str, path: tuple[str | int, ...]) -> None:
    assert parse(text) == path
    assert parse(format_path(path)) == path


@pytest.mark.parametrize("text", ["", ".a", "a.", "a[", "a[x]", 'a["b', 'a["b"', "[", "a[]"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="is no property path"):
        parse(text)
    assert parse_all([text, "a"]) == [("a",)]


def test_a_path_contains_what_is_below() -> None:
    assert contains(("a",), ("a", "b"))
    assert not contains(("a", "b"), ("a",))
    assert not contains(("a", "b"), ("a", "c"))
    assert contains(("a", "*", "c"), ("a", 1, "c", "d"))
    assert contains(("*",), ("anything", "below"))
    assert not contains(("a", 0), ("a", 1))


def test_names_are_declared_ones_and_keys_of_maps_are_as_they_are() -> None:
    for text, path in (
        ("boardName", ("board_name",)),
        ("labels.bookName", ("labels", "bookName")),
        ("pins.bookName.bookName", ("pins", "bookName", "book_name")),
        ("pinList[0].bookName", ("pin_list", 0, "book_name")),
        ("noSuch.bookName", ("noSuch", "bookName")),
    ):
        assert to_declared(parse(text), BoardArgs) == path


THERE = {"a": "old", "b": "old", "a b": "old", "gone": "old"}
NEWS = {"a": "new", "b": "new", "a b": "new", "more": "new"}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("labels.a", {**NEWS, "a": "old"}),
        ('labels["a b"]', {**NEWS, "a b": "old"}),
        ("labels.gone", {**NEWS, "gone": "old"}),
        ("labels.more", {name: value for name, value in NEWS.items() if name != "more"}),
        ("labels.none", NEWS),
        ("labels.a.b", NEWS),
        ("labels[0]", NEWS),
        ("labels.*", THERE),
        ("*.a", {**NEWS, "a": "old"}),
        ("other.a", NEWS),
        ("labels[", NEWS),
    ],
)
def test_what_is_ignored_inside_of_a_map_stays_as_it_is(text: str, labels: dict[str, Any]) -> None:
    ignored = IgnoredPaths(parse_all([text]), BoardArgs)
    assert ignored.names == set()
    news = {"board_name": "new", "labels": NEWS}
    assert ignored.apply(news, {"board_name": "old", "labels": THERE}, {}) == {**news, "labels": labels}
    assert news["labels"] is NEWS, "and nothing is changed in place"


def test_an_entry_of_an_object_and_what_no_state_holds() -> None:
    ignored = IgnoredPaths([("pins", "a", "page"), ("labels", "x")], BoardArgs)
    news = {"pins": {"a": {"page": 2, "book_name": "new"}, "b": {"page": 2}}, "labels": {"x": "new"}}
    state = {"pins": {"a": {"page": 1, "book_name": "old"}, "b": {"page": 1}}, "labels": None}
    assert ignored.apply(news, state, {"labels": {"x": "given"}}) == {
        "pins": {"a": {"page": 1, "book_name": "new"}, "b": {"page": 2}},
        "labels": {"x": "given"},
    }


def test_arguments_that_are_named_whole() -> None:
    assert IgnoredPaths([("labels",), ("pins", "a")], BoardArgs).names == {"labels"}
    assert IgnoredPaths([("*",)], BoardArgs).names == BoardArgs.model_fields.keys()
