"""Selecting, naming and writing what is adopted, and what is managed already."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polykomos.package import package
from polykomos_provider.adopt.engine_state import (
    ManagedObjects,
    from_stack_export,
    from_state_pull,
    of_another_account,
    unmanaged,
)
from polykomos_provider.adopt.import_files import pulumi_file, terraform_blocks
from polykomos_provider.adopt.inventory import ExistingObject, ResourceKind, kinds
from polykomos_provider.adopt.names import base_name, pulumi_names, terraform_names
from polykomos_provider.adopt.selection import Selection, parse_ranges, select
from polykomos_provider.engine_cli import candidate_programs

DATABASE, BLUEPRINT, APPLICATION, ENDPOINT = kinds(package())
ESTATE = [
    ExistingObject(DATABASE, "d1", "orders"),
    ExistingObject(DATABASE, "d2", "orders-eu"),
    ExistingObject(BLUEPRINT, "b1", "orders"),
    ExistingObject(ENDPOINT, "7", "https://hooks.example.com/T0KEN?key=s3cret"),
]


def test_the_kinds_are_the_packages_own() -> None:
    assert ResourceKind("database", "polykomos:index:Database", "polykomos_database", True, "its UUID") == DATABASE
    assert [kind.supports_list for kind in (DATABASE, BLUEPRINT, APPLICATION, ENDPOINT)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(everything=True), ["d1", "d2", "b1", "7"]),
        (Selection(kinds=("database",)), ["d1", "d2"]),
        (Selection(kinds=("blueprint", "webhook_endpoint")), ["b1", "7"]),
        (Selection(matches=("orders",)), ["d1", "b1"]),
        (Selection(matches=("orders-*", "https://*")), ["d2", "7"]),
        (Selection(kinds=("database",), matches=("orders",)), ["d1"]),
        (Selection(ids=("7", "d2")), ["d2", "7"]),
    ],
)
def test_options_combine_with_and_their_values_with_or(selection: Selection, ids: list[str]) -> None:
    assert [each.id for each in select(ESTATE, selection)] == ids
    assert selection.is_made
    assert not Selection().is_made


def test_an_answer_on_the_terminal() -> None:
    assert parse_ranges("3, 1-2,2", 4) == [1, 2, 3]
    assert parse_ranges(" ALL ", 2) == [1, 2]
    for answer in ("0", "5", "3-2", "x", "", "1;2"):
        with pytest.raises(ValueError, match=r"neither|within"):
            parse_ranges(answer, 4)


def test_a_label_that_no_url_is_still_gives_a_name() -> None:
    assert base_name(ExistingObject(ENDPOINT, "7", "https://[::1/x"), "-") == "webhook-endpoint"


def test_names_tell_what_it_is() -> None:
    assert pulumi_names(ESTATE, []) == ["orders", "orders-eu", "orders-blueprint", "hooks-example-com"]
    assert terraform_names(ESTATE, []) == ["orders", "orders_eu", "orders", "hooks_example_com"]
    assert pulumi_names(ESTATE[:1], {"orders"}) == ["orders-2"]
    assert terraform_names(ESTATE[:1], {"polykomos_database.orders", "polykomos_blueprint.orders_2"}) == ["orders_2"]
    twins = [ExistingObject(DATABASE, str(number), "Orders") for number in range(3)]
    assert terraform_names(twins, []) == ["orders", "orders_2", "orders_3"]
    assert base_name(ExistingObject(DATABASE, "1", "1shop"), "_") == "database_1shop"
    assert base_name(ExistingObject(ENDPOINT, "1", "Ünïts für Müller"), "-") == "units-fur-muller"


@given(st.lists(st.tuples(st.sampled_from([DATABASE, BLUEPRINT, ENDPOINT]), st.text(max_size=8)), max_size=12))
def test_names_are_valid_and_unique_whatever_things_are_called(drawn: list[tuple[ResourceKind, str]]) -> None:
    found = [ExistingObject(kind, str(number), label) for number, (kind, label) in enumerate(drawn)]
    in_pulumi, in_terraform = pulumi_names(found, ["a"]), terraform_names(found, ["polykomos_database.a"])
    assert len({*in_pulumi, "a"}) == len(found) + 1
    addresses = {f"{each.kind.type}.{name}" for each, name in zip(found, in_terraform, strict=True)}
    assert len({*addresses, "polykomos_database.a"}) == len(found) + 1
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in in_pulumi)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in in_terraform)


def test_what_a_stack_holds_is_left_out_by_kind_and_id() -> None:
    urn = "urn:pulumi:dev::p::polykomos:index:Database::mine"
    export = {
        "deployment": {
            "resources": [
                {"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "type": "pulumi:pulumi:Stack"},
                {"urn": urn, "type": DATABASE.token, "id": "d1"},
                {"urn": "urn:pulumi:dev::p::polykomos:index:Blueprint::x", "type": BLUEPRINT.token, "id": "7"},
            ]
        }
    }
    managed = from_stack_export(export)
    assert [each.id for each in unmanaged(ESTATE, managed)] == ["d2", "b1", "7"], "an endpoint is no blueprint"
    assert "mine" in managed.names
    for empty in (None, {}, {"deployment": None}, {"deployment": {"resources": None}}):
        assert from_stack_export(empty) == ManagedObjects()


def test_what_a_workspace_holds_is_left_out_in_modules_too() -> None:
    def resource(name: str, id_: str, **more: str) -> dict[str, object]:
        return {
            "mode": "managed", "type": DATABASE.type, "name": name, "instances": [{"attributes": {"id": id_}}], **more,
        }  # fmt: skip

    state = {
        "resources": [
            resource("a", "d1"),
            resource("b", "d2", module="module.m"),
            {**resource("c", "b1"), "mode": "data"},
        ]
    }
    managed = from_state_pull(state)
    assert [each.id for each in unmanaged(ESTATE, managed)] == ["b1", "7"]
    assert managed.names == {"polykomos_database.a"}
    assert from_state_pull(None) == from_state_pull({"resources": None}) == ManagedObjects()


def test_what_is_written() -> None:
    text = pulumi_file(ESTATE[:1], ["orders"])
    assert json.loads(text) == {"resources": [{"type": "polykomos:index:Database", "name": "orders", "id": "d1"}]}
    blocks = terraform_blocks([ESTATE[0], ExistingObject(BLUEPRINT, '${a}"', "x")], ["orders", "x"])
    assert blocks == (
        'import {\n  to = polykomos_database.orders\n  id = "d1"\n}\n\n'
        'import {\n  to = polykomos_blueprint.x\n  id = "$${a}\\""\n}\n'
    )


def test_a_module_that_opentofu_initialised_is_opentofus() -> None:
    assert candidate_programs("terraform", "") == ("terraform", "tofu")
    assert candidate_programs("terraform", 'provider "registry.terraform.io/polykomos/polykomos" {') == (
        "terraform",
        "tofu",
    )
    assert candidate_programs("terraform", 'provider "registry.opentofu.org/polykomos/polykomos" {') == (
        "tofu",
        "terraform",
    )
    assert candidate_programs("pulumi", "") == ("pulumi",)


def test_objects_of_another_account_are_not_adopted_beside_those_of_this_one() -> None:
    every = kinds(package())
    others = frozenset({("polykomos:index:Database", "x1"), ("polykomos_webhook_endpoint", "9")})
    recorded = ManagedObjects(others, accounts=frozenset({"a"}))
    assert of_another_account(recorded, ESTATE, "b", every)
    assert of_another_account(recorded, [], "b", every)
    assert not of_another_account(recorded, ESTATE, "a", every), "what is managed was deleted"
    assert not of_another_account(recorded, ESTATE, None, every), "a service that does not report it"
    seen = ManagedObjects(others | {("polykomos:index:Database", "d1")}, accounts=frozenset({"a"}))
    assert not of_another_account(seen, ESTATE, "b", every), "a colleague's key sees what is managed"
    older = ManagedObjects(others)
    assert of_another_account(older, ESTATE, "b", every)
    assert not of_another_account(older, ESTATE, "b", [BLUEPRINT])
    assert not of_another_account(ManagedObjects(frozenset({("aws:s3:Bucket", "x")})), ESTATE, "b", every)


def test_the_accounts_that_states_record() -> None:
    outputs = {"__account": "a"}
    resources = [
        {"type": "polykomos:index:Database", "urn": "u::d", "id": "d1", "outputs": outputs},
        {"type": "pulumi-python:dynamic/polykomos:Database", "urn": "u::e", "id": "d2", "outputs": {"__account": "b"}},
        {"type": "aws:s3:Bucket", "urn": "u::f", "id": "d3", "outputs": {"__account": "c"}},
        {"type": "polykomos:index:Database", "urn": "u::g", "id": "d4"},
    ]
    assert from_stack_export({"deployment": {"resources": resources}}).accounts == {"a", "b"}
    instances = [
        {"attributes": {"id": "d1"}, "private": base64.b64encode(private).decode()}
        for private in (b'{"given": [], "account": "a"}', b"{}", b"\xff", b"[]")
    ]
    state = {"resources": [{"mode": "managed", "type": "polykomos_database", "name": "d", "instances": instances}]}
    assert from_state_pull(state).accounts == {"a"}
