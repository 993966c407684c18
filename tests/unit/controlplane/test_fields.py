from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.databases.requests import CreateDatabase, QuotaFields, UpdateDatabase
from controlplane.http.errors import ApiError
from controlplane.http.validation import parse_body, parse_uuid

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*CreateDatabase.model_fields, "unknown"])


def refusal(model: Any, body: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_body(model, body)
    return caught.value


@given(st.dictionaries(FIELDS, JSON) | JSON)
def test_any_json_is_a_body_or_a_422(body: object) -> None:
    try:
        parse_body(CreateDatabase, body)
    except ApiError as error:
        assert error.status == 422
        assert error.details["field"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "name", "missing_required_field"),
        ({"db_type": 1}, "name", "missing_required_field"),
        ({"name": None}, "name", "invalid_field"),
        ({"name": "-a"}, "name", "invalid_field"),
        ({"name": "a\n"}, "name", "invalid_field"),
        ({"name": "a" * 64}, "name", "invalid_field"),
        ({"name": "ä"}, "name", "invalid_field"),
        ({"name": "a", "team_id": 0}, "team_id", "invalid_field"),
        ({"name": "a", "team_id": True}, "team_id", "invalid_field"),
        ({"name": "a", "team_id": 1.0}, "team_id", "invalid_field"),
        ({"name": "a", "connection_hard_limit": "10"}, "connection_hard_limit", "invalid_field"),
        ({"name": "a", "connection_hard_limit": 0}, "connection_hard_limit", "invalid_field"),
        ({"name": "a", "connection_hard_limit": 2**31}, "connection_hard_limit", "invalid_field"),
        ({"name": "a", "storage_hard_limit_gb": 0}, "storage_hard_limit_gb", "invalid_field"),
        ({"name": "a", "storage_hard_limit_gb": False}, "storage_hard_limit_gb", "invalid_field"),
        ({"name": "a", "storage_hard_limit_gb": float("inf")}, "storage_hard_limit_gb", "invalid_field"),
        ({"name": "a", "warning_threshold_pct": 101}, "warning_threshold_pct", "invalid_field"),
        ({"name": "a", "blueprint_uuid": "b1c2"}, "blueprint_uuid", "invalid_field"),
        ({"name": "a", "blueprint_uuid": None}, "blueprint_uuid", "invalid_field"),
        ({"name": "a", "blueprint_variables": []}, "blueprint_variables", "invalid_field"),
        ({"name": "a", "blueprint_variables": {"x": ["\x00"]}}, "blueprint_variables", "invalid_field"),
        ({"name": "a", "blueprint_variables": {"\ud800": 1}}, "blueprint_variables", "invalid_field"),
        ([], "body", "invalid_field"),
        (None, "body", "invalid_field"),
    ],
)
def test_a_refusal_names_the_field(body: object, field: str, code: str) -> None:
    error = refusal(CreateDatabase, body)
    assert (error.status, error.code, error.details["field"]) == (422, code, field)


@pytest.mark.facts("errors:422")
def test_the_message_of_a_missing_field_is_the_reference_s() -> None:
    assert refusal(CreateDatabase, {}).message == "Missing required field: name"


def test_a_refusal_does_not_repeat_the_value() -> None:
    assert "hunter2" not in refusal(CreateDatabase, {"name": "HUNTER hunter2"}).message


def test_unknown_fields_are_ignored_whatever_they_hold() -> None:
    assert parse_body(UpdateDatabase, {"name": "a", "owner": "\x00"}).name == "a"


def test_null_and_omitted_quotas_differ() -> None:
    parsed = parse_body(QuotaFields, {"connection_hard_limit": None})
    assert parsed.model_dump(exclude_unset=True) == {"connection_hard_limit": None}


def test_a_whole_number_is_a_storage_limit() -> None:
    assert parse_body(QuotaFields, {"storage_hard_limit_gb": 10}).storage_hard_limit_gb == 10


@pytest.mark.facts("C3")
@pytest.mark.parametrize("name", ["a", "0", "a-", "a" * 63])
def test_good_names(name: str) -> None:
    assert parse_body(UpdateDatabase, {"name": name}).name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c}",
        "d7f3a1b24c5e6f7a8b9c0d1e2f3a4b5c",
        "d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c\n",
        "urn:uuid:d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c",
    ],
)
def test_only_the_hyphenated_form_is_a_uuid(text: str) -> None:
    assert parse_uuid(text) is None


def test_a_uuid_may_be_in_capitals() -> None:
    assert str(parse_uuid("D7F3A1B2-4C5E-6F7A-8B9C-0D1E2F3A4B5C")) == "d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c"
