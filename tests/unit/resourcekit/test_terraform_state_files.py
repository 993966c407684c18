"""State files' JSON becomes values of today's types, or is told with its place."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from resourcekit.terraform.cty.decode import decode
from resourcekit.terraform.cty.encode import encode_json_state
from resourcekit.terraform.cty.msgpack import WireError, pack, unpack
from resourcekit.terraform.cty.types import DYNAMIC, NUMBER, STRING, CtyObject


def _deep(depth: int) -> Any:
    found: Any = "string"
    for _ in range(depth):
        found = ["list", found]
    return found


def test_state_files() -> None:
    kept = json.loads(
        '{"n": 0.1, "big": 1180591620717411303424, "old": 1,'
        ' "d": {"type": ["object", {"x": "number"}], "value": {"x": 1.5}}}',
        parse_float=Decimal,
    )
    type_ = CtyObject({"n": NUMBER, "big": NUMBER, "d": DYNAMIC, "new": STRING})
    sent = encode_json_state(type_, kept)
    assert decode(type_, unpack(pack(sent))) == {"n": 0.1, "big": 2**70, "d": {"x": 1.5}, "new": None}
    assert sent["n"] == "0.1"


@pytest.mark.parametrize(
    ("kept", "path"),
    [
        ({"n": "text"}, ("n",)),
        ({"n": []}, ("n",)),
        ({"n": Decimal("1e9999")}, ("n",)),
        ({"s": Decimal("1e9999")}, ("s",)),
        ({"s": {"x": [Decimal("-1e9999")]}}, ("s",)),
        ({"d": 5}, ("d",)),
        ({"d": {"type": "nonsense", "value": 1}}, ("d",)),
        ({"d": {"type": "number"}}, ("d",)),
        ({"d": {"type": _deep(2000), "value": []}}, ("d",)),
        ({"d": {"type": ["object", {"x": ["list", "number"]}], "value": {"x": [1, "y"]}}}, ("d", "x", 1)),
        ({"d": {"type": ["tuple", ["string", "string"]], "value": ["a"]}}, ("d",)),
        ({"d": {"type": ["tuple", ["string", "string"]], "value": "ab"}}, ("d",)),
    ],
)
def test_a_damaged_state_file_is_reported_with_the_position(kept: Any, path: tuple[Any, ...]) -> None:
    with pytest.raises(WireError) as failure:
        encode_json_state(CtyObject({"n": NUMBER, "s": STRING, "d": DYNAMIC}), kept)
    assert failure.value.path == path


def test_a_value_of_another_type_in_an_older_state_becomes_a_string() -> None:
    kept = json.loads('{"x": {"b": 0.5, "a": [true]}, "y": 0.5, "z": 7}', parse_float=Decimal)
    sent = encode_json_state(CtyObject(dict.fromkeys("xyz", STRING)), kept)
    assert sent == {"x": '{"a": [true], "b": 0.5}', "y": "0.5", "z": "7"}
