"""Terraform's values: every one comes back as it went, and what is none is told with its place."""

from __future__ import annotations

import json
import math
import unicodedata
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resourcekit.terraform import schema
from resourcekit.terraform.cty.decode import decode
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WIRE_UNKNOWN, WireError, pack, unpack, wire_contains_unknown
from resourcekit.terraform.cty.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    CtyCollection,
    CtyObject,
    CtyTuple,
    CtyType,
    parse_type,
    type_to_json,
)
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.schema import Attribute, Schema
from resourcekit.unknown import UNKNOWN

TEXTS = st.text().map(lambda text: unicodedata.normalize("NFC", text))
NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda n: int(n) if n == int(n) else n),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=25).map(
        lambda n: int(n) if n == int(n) else float(n) if Decimal(repr(float(n))) == n else n
    ),
)


def values_of(type_: CtyType) -> st.SearchStrategy[Any]:
    """Plain values of a type, null and unknown included."""
    match type_:
        case CtyCollection("map", item):
            found: st.SearchStrategy[Any] = st.dictionaries(TEXTS, values_of(item), max_size=3)
        case CtyCollection("set", _):
            found = st.lists(TEXTS, max_size=4, unique=True)
        case CtyCollection(_, item):
            found = st.lists(values_of(item), max_size=3)
        case CtyObject(attributes):
            found = st.fixed_dictionaries({name: values_of(each) for name, each in attributes.items()})
        case _:
            found = {STRING: TEXTS, NUMBER: NUMBERS, BOOL: st.booleans()}[type_]  # type: ignore[index]
    return st.one_of(st.none(), st.just(UNKNOWN), found)


TYPES = [
    STRING, NUMBER, BOOL, CtyCollection("list", STRING), CtyCollection("set", STRING), CtyCollection("map", NUMBER),
    CtyObject({"a": STRING, "b": CtyCollection("map", CtyObject({"c": BOOL, "d": NUMBER}))}),
]  # fmt: skip


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: json.dumps(type_to_json(type_)))
@given(data=st.data())
def test_a_value_comes_back_as_it_went(type_: CtyType, data: st.DataObject) -> None:
    value = data.draw(values_of(type_))
    assert decode(type_, unpack(pack(encode(type_, value)))) == value


@given(st.recursive(st.one_of(TEXTS, NUMBERS, st.booleans()), lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=8))  # fmt: skip
def test_a_dynamic_value_carries_its_type(value: Any) -> None:
    sent = unpack(pack(encode(DYNAMIC, value)))
    assert decode(DYNAMIC, sent) == value
    assert json.loads(sent[0]) == type_to_json(parse_type(json.loads(sent[0])))


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (0.1, "0.1"), (1.0, 1), (1.5, "1.5"), (-0.0, 0), (2**63 - 1, 2**63 - 1), (2**63, str(2**63)),
        (2**70, str(2**70)), (-(2**63), -(2**63)), (-(2**63) - 1, str(-(2**63) - 1)),
        (Decimal("0.30000000000000000001"), "0.30000000000000000001"),
        (1e300, str(int(1e300))), (5e-324, "5e-324"),
    ],
)  # fmt: skip
def test_numbers_leave_as_the_decimals_that_they_are(value: Any, sent: Any) -> None:
    assert encode(NUMBER, value) == sent
    assert not isinstance(encode(NUMBER, value), float), "a binary float is another number"
    assert decode(NUMBER, sent) == value


@pytest.mark.parametrize(
    "value",
    [10**308, 10**309, -(10**400), 10**4000, Decimal("1e-400"), Decimal("0." + "123456789" * 400)],
    ids=lambda value: f"{len(str(value))} characters",
)
def test_numbers_that_no_float_holds_are_exact(value: Any) -> None:
    assert decode(NUMBER, unpack(pack(encode(NUMBER, value)))) == value


@pytest.mark.parametrize("sent", [0.1, "0.1", "0.10", "1e-1"])
def test_numbers_arrive_in_every_form(sent: Any) -> None:
    assert decode(NUMBER, sent) == 0.1


@pytest.mark.parametrize(
    "sent", ["", "x", "NaN", "Infinity", "1e400000", "9" * 5000, float("nan"), math.inf, True, [1], b"1", {"a": 1}]
)
def test_what_is_no_number(sent: Any) -> None:
    with pytest.raises(WireError):
        decode(NUMBER, sent)


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", [1]])
def test_what_cannot_be_sent_as_a_number(value: Any) -> None:
    with pytest.raises(WireError):
        encode(NUMBER, value)


@pytest.mark.parametrize("code", [0, 1, 12, 99])
def test_every_extension_is_decoded_as_unknown(code: int) -> None:
    sent = msgpack.ExtType(code, msgpack.packb({1: False, 2: "db-"}) if code == 12 else b"\x00")
    assert unpack(pack(sent)) == sent
    for type_ in TYPES:
        assert decode(type_, sent) is UNKNOWN
    assert wire_contains_unknown({"a": [{"b": sent}]})
    assert not wire_contains_unknown({"a": [{"b": None}]})
    assert encode(STRING, UNKNOWN) == WIRE_UNKNOWN


def test_texts_are_normalised_as_terraform_does() -> None:
    assert encode(STRING, "e\u0301") == encode(STRING, "\u00e9") == "\u00e9"
    assert encode(CtyCollection("map", STRING), {"e\u0301": "x"}) == {"\u00e9": "x"}
    assert encode(CtyCollection("set", STRING), ["e\u0301", "\u00e9"]) == ["\u00e9"]


def test_large_values() -> None:
    long = "ä" * 1_000_000
    assert decode(STRING, unpack(pack(encode(STRING, long)))) == long
    many = [str(number % 5000) for number in range(10_000)]
    assert sorted(encode(CtyCollection("set", STRING), many)) == sorted(set(many))


def test_null_is_not_empty() -> None:
    for type_, empty in ((CtyCollection("list", STRING), []), (CtyCollection("map", STRING), {}), (STRING, "")):
        assert decode(type_, encode(type_, None)) is None
        assert decode(type_, encode(type_, empty)) == empty


NESTED = CtyObject({"a": CtyCollection("map", CtyObject({"b": CtyCollection("list", NUMBER)})), "c": STRING})


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("text", ()),
        ({"a": None}, ("c",)),
        ({"a": None, "c": None, "d": 1}, ("d",)),
        ({"a": None, 5: None}, ()),
        ({"a": [], "c": None}, ("a",)),
        ({"a": {"k": {"b": [1, "x"]}}, "c": None}, ("a", "k", "b", 1)),
        ({"a": {"k": {"b": {}}}, "c": None}, ("a", "k", "b")),
        ({"a": {"k": {}}, "c": None}, ("a", "k", "b")),
        ({"a": {1: None}, "c": None}, ("a",)),
        ({"a": None, "c": b"bytes"}, ("c",)),
        ({"a": None, "c": 5}, ("c",)),
    ],
)
def test_a_value_of_another_type_is_reported_with_its_path(sent: Any, path: tuple[Any, ...]) -> None:
    with pytest.raises(WireError) as failure:
        decode(NESTED, sent)
    assert failure.value.path == path


def test_bytes_that_are_no_value() -> None:
    whole = pack({"a": {"k": {"b": [1, "2.5", WIRE_UNKNOWN]}}, "c": "text"})
    for cut in range(len(whole)):
        with pytest.raises(WireError):
            unpack(whole[:cut])
    for broken in (
        b"\xc1",
        pack({}) + b"\x00",
        b"\x81\x90\x01",
        whole + b"\x00",
        b"\xa1\xff",
        b"\x91" * 2000 + b"\x01",
    ):
        with pytest.raises(WireError):
            unpack(broken)


MESSAGE = pack({"a": {"k": {"b": [1, "2.5", WIRE_UNKNOWN]}}, "c": "text"})


@given(at=st.integers(0, len(MESSAGE) - 1), into=st.binary(max_size=4))
def test_damaged_bytes_are_a_value_or_an_error(at: int, into: bytes) -> None:
    try:
        found = decode(NESTED, unpack(MESSAGE[:at] + into + MESSAGE[at + 1 :]))
    except WireError:
        return
    assert found is None or found is UNKNOWN or set(found) == {"a", "c"}


@pytest.mark.parametrize("depth", [500, 1000])
def test_deeply_nested_values_are_rejected_with_a_message(depth: int) -> None:
    inside: Any = [b'"string"', "x"]
    for _ in range(depth):
        inside = [b'["tuple",["dynamic"]]', [inside]]
    with pytest.raises(WireError):
        decode(DYNAMIC, inside)
    own, value = '"string"', "x"
    for _ in range(2 * depth):
        own, value = f'["list",{own}]', [value]  # type: ignore[assignment]
    with pytest.raises(WireError):
        decode(DYNAMIC, [own.encode(), value])
    values: Any = "x"
    for _ in range(2 * depth):
        values = [values]
    with pytest.raises((WireError, RecursionError)):
        encode(DYNAMIC, values)


@pytest.mark.parametrize(
    "sent", [[], [b'"string"'], [b"{", "x"], [b'"nonsense"', "x"], [b'["list"]', []], [5, "x"], {"a": 1}, "text"]
)
def test_a_dynamic_value_without_a_type(sent: Any) -> None:
    with pytest.raises(WireError):
        decode(DYNAMIC, sent)


@pytest.mark.parametrize("type_", [*TYPES, DYNAMIC, CtyTuple((STRING, NUMBER))], ids=str)
def test_constraints_are_read_as_written(type_: CtyType) -> None:
    assert parse_type(json.loads(json.dumps(type_to_json(type_)))) == type_


def test_a_field_is_decoded_once_and_each_caller_gets_its_own_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    block = Schema((Attribute("name", STRING), Attribute("sizes", CtyCollection("list", NUMBER))))
    sent = pb.DynamicValue(msgpack=pack({"name": "orders", "sizes": [1, "2.5"]}))
    values = block.read(sent)
    assert values is not None
    assert values == unpack(sent.msgpack), "what goes back to the engine is what it sent"
    monkeypatch.setattr(schema, "decode", lambda *_: pytest.fail("decoded again"))
    for _ in range(2):
        sizes = block.to_plain(values, "sizes")
        assert (block.to_plain(values, "name"), sizes) == ("orders", [1, 2.5])
        sizes.append(3)
