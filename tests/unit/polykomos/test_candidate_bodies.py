"""Which bodies are tried for an object whose request is not known, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from polykomos.resources.candidate_bodies import ABSENT, candidate_bodies, closest_names_first

SHOWN = {"name": ["lost"], "limit": [20, ABSENT], "warn": [80, ABSENT], "region": ["eu", ABSENT]}


def all_of(body: dict[str, Any], *objects: Any) -> list[dict[str, Any]]:
    return list(candidate_bodies(body, objects))


def test_the_current_body_is_no_candidate() -> None:
    body = {"name": "lost", "limit": 20}
    assert body not in all_of(body, SHOWN)


def test_values_that_cannot_have_created_the_object_are_no_candidates() -> None:
    assert {guess["name"] for guess in all_of({"name": "new"}, SHOWN)} == {"lost"}
    assert all(guess.get("limit") != 9 for guess in all_of({"name": "lost", "limit": 9}, SHOWN))


@pytest.mark.parametrize(
    ("made", "edited"),
    [
        ({"name": "lost"}, {"name": "new"}),
        ({"name": "lost", "limit": 20}, {"name": "lost"}),
        ({"name": "lost"}, {"name": "lost", "limit": 20}),
        ({"name": "lost", "limit": 20, "warn": 80}, {"name": "lost"}),
        ({"name": "lost", "limit": 20, "warn": 80}, {"name": "new", "limit": 1, "warn": 2, "region": "us"}),
    ],
)
def test_the_body_that_was_is_among_them(made: dict[str, Any], edited: dict[str, Any]) -> None:
    assert made in all_of(edited, SHOWN)


def test_the_fewest_edits_come_first_whichever_object_they_are_of() -> None:
    others: list[dict[str, Any]] = [{**SHOWN, "name": [f"other{n}"]} for n in range(50)]
    tried = all_of({"name": "lost", "limit": 9}, *others, SHOWN)
    assert tried[:2] == [{"name": "lost", "limit": 20}, {"name": "lost"}]


def test_of_many_objects_those_with_the_name_are_tried_before_a_rename() -> None:
    others: list[dict[str, Any]] = [{**SHOWN, "name": [f"other{n}"]} for n in range(50)]
    tried = all_of({"name": "lost"}, SHOWN, *others)
    assert tried.index({"name": "lost", "limit": 20, "warn": 80}) < 10
    assert {"name": "other49"} in tried


def test_an_object_that_differs_in_much_is_not_gone_through_for_what_nothing_shows() -> None:
    assert len(all_of({"name": "new", "limit": 1, "warn": 2}, SHOWN)) == 4


def test_nothing_there_is_nothing_to_try() -> None:
    assert all_of({"name": "new"}) == []


def test_objects_with_the_name_or_a_name_that_begins_alike_come_first() -> None:
    names = ["a", "shop-1", None, "shop-2f", "shop-2e"]
    assert closest_names_first(names, lambda name: name, "shop-2e")[:3] == ["shop-2e", "shop-2f", "shop-1"]
