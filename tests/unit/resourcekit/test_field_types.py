"""What messages call a value: the words of Terraform and Pulumi, not Python's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from resourcekit.field_types import describe
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.cty.types import STRING, CtyCollection


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true or false"),
        (1, "a number"),
        (Decimal("0.1"), "a number"),
        ("a", "a string"),
        ({"a": 1}, "a map"),
        ([1], "a list"),
        (None, "null"),
        (object(), "a value of another kind"),
    ],
)
def test_a_value_has_the_users_name(value: Any, words: str) -> None:
    assert describe(value) == words


def test_what_no_state_can_hold_is_named_so() -> None:
    with pytest.raises(WireError, match="is a value of another kind where a string belongs"):
        encode(STRING, object())
    with pytest.raises(WireError, match="must be an object or a map"):
        encode(CtyCollection("map", STRING), ["a"])
