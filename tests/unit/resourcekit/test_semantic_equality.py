from __future__ import annotations

from typing import Any

import pytest

from resourcekit.fields import json_equal


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"n": 1}, {"n": True}, False),
        ({"n": [0]}, {"n": [False]}, False),
        ({"n": {"m": True}}, {"n": {"m": True}}, True),
        (10, 10.0, True),
        ([1, "a"], [1.0, "a"], True),
        ([1], [1, 1], False),
        ({"a": None}, {}, True),
        ({"a": {"b": None, "c": 1}}, {"a": {"c": 1}}, True),
        ({"a": None}, {"a": 0}, False),
        ([None], [], False),
        ("1", 1, False),
    ],
)
def test_values_are_compared_as_json(left: Any, right: Any, same: bool) -> None:
    assert json_equal(left, right) is same
    assert json_equal(right, left) is same
