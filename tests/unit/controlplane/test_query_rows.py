"""Rows of both engines as JSON: distinct names, and numbers that every reader decodes exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from controlplane.queries.mysql.rows import as_json
from controlplane.queries.postgres.rows import parse_row


def test_equal_names_are_numbered_by_both_engines() -> None:
    expected = {"n": 1, "n_2": 2, "n_3": 3, "n_2_2": 4}
    assert as_json(["n", "n", "n", "n_2"], [1, 2, 3, 4]) == expected
    assert parse_row('{"n": 1, "n": 2, "n": 3, "n_2": 4}') == expected


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("9007199254740992", 2**53), ("9007199254740993", "9007199254740993"), ("-9007199254740993", "-9007199254740993")],
)
def test_integers_beyond_a_double_are_strings_in_both_engines(digits: str, expected: int | str) -> None:
    assert as_json(["n"], [int(digits)]) == parse_row(f'{{"n": {digits}}}') == {"n": expected}


@pytest.mark.parametrize(
    ("digits", "expected"), [("0.10", 0.1), ("-1.5", -1.5), ("0.10000000000000000001", "0.10000000000000000001")]
)
def test_decimals_beyond_a_double_are_strings_in_both_engines(digits: str, expected: float | str) -> None:
    assert as_json(["n"], [Decimal(digits)]) == parse_row(f'{{"n": {digits}}}') == {"n": expected}


def test_numbers_that_neither_float_nor_decimal_take_are_strings() -> None:
    exponent, long = "1e999999999999999999999", "1" * 5000
    assert parse_row(f'{{"a": {exponent}, "b": {long}}}') == {"a": exponent, "b": long}


def test_other_values_of_mysql() -> None:
    values = [True, None, "text", 0.5, b"\x00\xff", datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC), -timedelta(hours=838)]
    names = ["boolean", "null", "text", "double", "bytes", "time", "duration"]
    assert list(as_json(names, values).values()) == [
        *(True, None, "text", 0.5, "\\x00ff"),
        *("2026-11-30T01:02:03+00:00", "-838:00:00"),
    ]
