"""Whole numbers beyond 2^53, which Pulumi's wire rounds before the provider sees them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from resourcekit.fields import Arguments
from resourcekit.pulumi.dynamic.host_values import read, write
from resourcekit.pulumi.numbers import loses_digits, rounded_numbers
from resourcekit.pulumi.property_value import decode, encode

BIG = 2**53


class Part(BaseModel):
    default: Any = None
    size: float | None = None


class Args(Arguments):
    variables: dict[str, Any] | None = Field(None, description="Free.")
    parts: dict[str, Part] | None = Field(None, description="Half free.")
    size: float | None = Field(None, description="A double.")
    limit: int | None = Field(None, description="A whole number.")


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ({"variables": {"v": BIG}}, ["variables.v"]),
        ({"variables": {"v": -BIG}}, ["variables.v"]),
        ({"variables": {"v": 1e300}}, ["variables.v"]),
        ({"variables": {"a": [1, {"b": BIG}]}}, ["variables.a.1.b"]),
        ({"parts": {"p": {"default": BIG}}}, ["parts.p.default"]),
        ({"variables": {"v": BIG - 1, "w": str(BIG), "x": True, "y": 0.5}}, []),
        ({"size": 1e300, "parts": {"p": {"size": 1e300}}}, []),
        ({"variables": None}, []),
    ],
)
def test_numbers_that_may_have_been_rounded_are_refused(values: dict[str, Any], paths: list[str]) -> None:
    found = rounded_numbers(Args, values)
    assert [failure.property for failure in found] == paths
    assert all("give it as a string" in failure.reason for failure in found)


def test_a_declared_whole_number_that_may_have_been_rounded_is_refused() -> None:
    (found,) = rounded_numbers(Args, {"limit": float(BIG)})
    assert found.property == "limit"
    assert "Pulumi rounds" in found.reason
    assert "string" not in found.reason
    assert rounded_numbers(Args, {"limit": BIG - 1}) == []


def test_what_the_last_run_sent_is_accepted() -> None:
    assert rounded_numbers(Args, {"variables": {"v": BIG}}, {"variables": {"v": BIG}}) == []
    assert rounded_numbers(Args, {"variables": {"v": BIG}}, {"variables": {"v": BIG + 2}}) != []


def test_outputs_keep_every_digit() -> None:
    values = {"a": BIG, "b": BIG + 1, "c": [-BIG - 1, 10**400, True], "d": 0.5}
    assert loses_digits(BIG + 1)
    expected = {"a": BIG, "b": str(BIG + 1), "c": [str(-BIG - 1), str(10**400), True], "d": 0.5}
    assert decode(encode(values)).values == expected
    assert read(write(values, {})).values == expected
