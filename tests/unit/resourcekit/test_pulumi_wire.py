from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from resourcekit.errors import ResourceError
from resourcekit.planning.diff import Change, ChangeKind
from resourcekit.pulumi.casing import camelize_code_spans, to_camel, to_declared_names, to_property_names
from resourcekit.pulumi.diff_response import property_path
from resourcekit.pulumi.properties import request_redactor
from resourcekit.pulumi.property_value import OUTPUT, SECRET, SIGNATURE, UNKNOWN_STRING, decode, encode
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import ShelfArgs

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), plain, max_size=4), st.data())
def test_everything_comes_back_as_it_went(values: dict[str, Any], data: st.DataObject) -> None:
    candidates = sorted(name for name, value in values.items() if value is not None)
    secrets = frozenset(data.draw(st.sets(st.sampled_from(candidates)))) if candidates else frozenset()
    found = decode(encode(values, secrets))
    assert found.values == values
    assert found.secrets == secrets


def marked(mark: str, **entries: Any) -> dict[str, Any]:
    return {SIGNATURE: mark, **entries}


def test_a_secret_deep_inside_marks_the_whole_property() -> None:
    found = decode(encode({"map": {"a": marked(SECRET, value="s"), "b": 1}, "free": 1}))
    assert found.values == {"map": {"a": "s", "b": 1}, "free": 1}
    assert found.secrets == {"map"}


def test_outputs_are_looked_through() -> None:
    assert decode(encode({"a": marked(OUTPUT)})).values == {"a": UNKNOWN}
    found = decode(encode({"a": marked(OUTPUT, value=1, secret=True)}))
    assert (found.values, found.secrets) == ({"a": 1}, {"a"})


@pytest.mark.parametrize("mark", ["c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7", "else"])
def test_values_that_are_no_data_are_refused_by_name(mark: str) -> None:
    with pytest.raises(ResourceError) as refused:
        decode(encode({"file": marked(mark, text="x")}))
    assert refused.value.property == "file"


def test_every_kind_of_unknown_is_one() -> None:
    for sentinel in (UNKNOWN_STRING, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"):
        struct = struct_pb2.Struct()
        struct["a"] = sentinel
        assert decode(struct).values == {"a": UNKNOWN}


def test_names_are_changed_and_the_users_keys_are_not() -> None:
    values = {"wood_kind": "oak", "labels": {"snake_key": "x"}, "limits": {"max_books": 1}}
    sent = to_property_names(ShelfArgs, {**values, "seats": None})
    assert sent == {"woodKind": "oak", "labels": {"snake_key": "x"}, "limits": {"maxBooks": 1}}
    assert to_declared_names(ShelfArgs, sent) == values
    assert to_declared_names(ShelfArgs, {"nmae": 1}) == {"nmae": 1}, "left for Check to complain of"


def test_texts_get_this_engines_spelling() -> None:
    assert to_camel("db_type") == "dbType"
    assert camelize_code_spans("set `deletion_protection` to false, not `Database`") == (
        "set `deletionProtection` to false, not `Database`"
    )


def test_paths_quote_what_is_no_plain_key() -> None:
    assert property_path(Change("my_map", ("my_map", "plain"), ChangeKind.ADD, False)) == "myMap.plain"
    assert property_path(Change("my_map", ("my_map", 'a."b'), ChangeKind.ADD, False)) == 'myMap["a.\\"b"]'


def test_the_id_of_an_object_is_no_secret_though_a_secret_map_repeats_it() -> None:
    outputs = encode({"outputs": {"id": "shelf/1", "password": "hunter2"}}, frozenset({"outputs"}))
    request = provider_pb2.DeleteRequest(id="shelf/1", properties=outputs)
    assert request_redactor(request).redact("shelf/1: hunter2 is wrong") == "shelf/1: [secret] is wrong"
