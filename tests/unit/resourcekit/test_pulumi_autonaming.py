"""Generated names: what they are made of, the engine's modes, and what the stack's configuration says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polykomos.resources.blueprint.resource import Blueprint
from polykomos.resources.blueprint.schema import BlueprintArgs
from polykomos.resources.database.resource import Database
from polykomos.resources.database.schema import DatabaseArgs
from resourcekit.fields import AutoNamed, field_specs
from resourcekit.pulumi.autonaming import (
    Autonaming,
    Mode,
    generate_name,
    validate_with_names,
    with_generated_names,
)
from resourcekit.pulumi.dynamic.autonaming import options_of
from resourcekit.unknown import UNKNOWN

RULE = field_specs(DatabaseArgs)["name"].auto_named or AutoNamed()
SEED = bytes(range(32))


def generated(autonaming: Autonaming, **args: Any) -> Any:
    named, failures = with_generated_names(DatabaseArgs, args, {}, autonaming)
    assert not failures
    return named["name"]


def test_equal_seeds_give_equal_names_and_others_others() -> None:
    name = generated(Autonaming("My_Shop", SEED))
    assert re.fullmatch(r"my-shop-[0-9a-f]{7}", name)
    assert generated(Autonaming("My_Shop", SEED)) == name
    assert generated(Autonaming("My_Shop", b"another")) != name
    assert generated(Autonaming("db")) != generated(Autonaming("db")), "without a seed each name is another"


def test_a_name_of_the_program_or_of_the_last_run_stays() -> None:
    assert generated(Autonaming("db", SEED), name="given") == "given"
    assert generated(Autonaming("db", SEED), name=UNKNOWN) is UNKNOWN
    for mode in Mode:
        kept = with_generated_names(DatabaseArgs, {"name": None}, {"name": "old"}, Autonaming("db", SEED, "new", mode))
        assert kept == ({"name": "old"}, []), mode


@given(st.text(max_size=90), st.text(max_size=90), st.binary(max_size=8))
def test_whatever_the_resource_is_called_the_name_is_valid(resource_name: str, proposal: str, seed: bytes) -> None:
    for resource, args in ((Database(), {}), (Blueprint(), {"sql_content": "SELECT 1"})):
        checked = validate_with_names(resource, args, {}, Autonaming(resource_name, seed, proposal))
        named = checked.values["name"]
        if isinstance(resource, Database) or named.strip():
            assert not checked.failures, named


def test_a_proposal_is_made_valid_and_stays_unique_when_it_is_cut() -> None:
    assert generated(Autonaming("db", SEED, "Shop.Dev_1")) == "shop-dev-1"
    long = "x" * 70
    first, second = (generated(Autonaming("db", SEED, long + end)) for end in ("a", "b"))
    assert len(first) == len(second) == 63
    assert first != second, "what is cut off is in the suffix"
    assert generate_name(AutoNamed(), Autonaming("db", SEED, long + "A")) == long + "A", "no rule, no change"


def test_an_enforced_name_is_taken_as_it_is_or_refused() -> None:
    assert generated(Autonaming("db", SEED, "db", Mode.ENFORCE)) == "db"
    checked = validate_with_names(Database(), {"region": 1}, {}, Autonaming("My_Db", SEED, "My_Db", Mode.ENFORCE))
    assert [failure.property for failure in checked.failures] == ["name", "region"]
    assert "enforces the name 'My_Db', which is invalid: must be 1-63 lowercase" in checked.failures[0].reason


def test_without_generated_names_a_name_is_required() -> None:
    checked = validate_with_names(Blueprint(), {"sql_content": "SELECT 1"}, {}, Autonaming("bp", mode=Mode.DISABLE))
    (failure,) = checked.failures
    assert failure.property == "name"
    assert "`pulumi:autonaming` in the stack's configuration disables generated names" in failure.reason
    assert field_specs(BlueprintArgs)["name"].required, "Terraform has no generated names"


PARTS = {"name": "db", "project": "shop", "stack": "dev", "organization": "acme"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),
        ({"mode": "default"}, None),
        ({"mode": "disabled"}, {"mode": "DISABLE"}),
        ({"mode": "verbatim"}, {"mode": "ENFORCE", "proposal": "db"}),
        ({"pattern": "${name}-${stack}"}, {"mode": "PROPOSE", "proposal": "db-dev"}),
        (
            {"pattern": "${organization}-${project}-${config.env}-${other}", "enforce": True},
            {"mode": "ENFORCE", "proposal": "acme-shop-shop:env-${other}"},
        ),
        (
            {"mode": "verbatim", "providers": {"toy": {"pattern": "toy-${name}"}}},
            {"mode": "PROPOSE", "proposal": "toy-db"},
        ),
        ({"mode": "verbatim", "providers": {"aws": {"mode": "disabled"}}}, {"mode": "ENFORCE", "proposal": "db"}),
    ],
)
def test_the_dynamic_provider_reads_the_stacks_configuration(config: dict[str, Any], expected: Any) -> None:
    assert options_of(config, "toy", PARTS, lambda key: key) == expected


def test_random_parts_of_a_pattern() -> None:
    pattern = "${name}-${hex(5)}-${alphanum(4)}-${string(3)}-${num(2)}-${uuid}"
    found = options_of({"pattern": pattern}, "toy", PARTS, lambda _: None)
    assert found is not None
    assert re.fullmatch(r"db-[0-9a-f]{5}-[a-z0-9]{4}-[a-z]{3}-[0-9]{2}-[0-9a-f-]{36}", found["proposal"])
