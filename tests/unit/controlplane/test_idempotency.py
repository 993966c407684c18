from __future__ import annotations

import pytest

from controlplane.http.errors import ApiError
from controlplane.http.idempotency import fingerprint, is_storable, read_header


@pytest.mark.parametrize("value", ["x", "a" * 255, "d7f3a1b24c5e6f7a8b9c0d1e2f3a4b5c", "two words"])
def test_any_printable_key_is_accepted(value: str) -> None:
    assert read_header(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "missing_required_field"),
        ("", "missing_required_field"),
        ("a" * 256, "invalid_field"),
        ("tab\t", "invalid_field"),
        ("schlüssel", "invalid_field"),
    ],
)
def test_other_keys_are_refused(value: str | None, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_header(value)
    assert (caught.value.status, caught.value.code) == (422, code)
    assert caught.value.details == {"field": "Idempotency-Key"}


@pytest.mark.facts("C11", "errors:500")
@pytest.mark.parametrize(
    ("status", "code", "kept"),
    [
        (200, None, True),
        (202, None, True),
        (404, "not_found", True),
        (422, "database_not_active", True),
        (422, "invalid_field", False),
        (422, "missing_required_field", False),
        (422, "invalid_sql", False),
        (401, "missing_authorization", False),
        (403, "insufficient_scope", False),
        (409, "idempotency_key_conflict", False),
        (413, "payload_too_large", False),
        (429, "rate_limit_exceeded", False),
        (500, "internal_error", False),
    ],
)
def test_what_a_key_keeps(status: int, code: str | None, kept: bool) -> None:
    assert is_storable(status, code) is kept


def test_the_order_of_fields_and_parameters_does_not_matter() -> None:
    one = fingerprint("POST", "/p", [("a", "1"), ("b", "2")], {"x": 1, "y": [1, 2]})
    other = fingerprint("POST", "/p", [("b", "2"), ("a", "1")], {"y": [1, 2], "x": 1})
    assert one == other


@pytest.mark.facts("idempotency:payload")
def test_method_path_query_and_body_all_count() -> None:
    prints = {
        fingerprint("POST", "/p", [], {"x": 1}),
        fingerprint("PATCH", "/p", [], {"x": 1}),
        fingerprint("POST", "/q", [], {"x": 1}),
        fingerprint("POST", "/p", [("a", "1")], {"x": 1}),
        fingerprint("POST", "/p", [], {"x": "1"}),
        fingerprint("POST", "/p", [], {"x": True}),
        fingerprint("POST", "/p", [], None),
    }
    assert len(prints) == 7


def test_a_lone_surrogate_can_be_fingerprinted() -> None:
    assert fingerprint("POST", "/p", [], {"x": "\ud800"})
