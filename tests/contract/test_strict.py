"""`--strict`: the letter of the documents where they leave room; without it the same calls pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, create_database, delete_all, new_key
from support.operations import error_of

CREATE = {"method": "POST", "url": "/databases", "json": {"name": "strict"}}
LENIENT: list[tuple[dict[str, Any], str]] = [
    ({**CREATE, "json": {"name": "strict", "plan": "pro"}}, "plan"),  # C1
    ({**CREATE, "json": {"name": "strict", "colour": "red"}}, "colour"),  # S31
    ({**CREATE, "params": {"colour": "red"}}, "colour"),
    ({**CREATE, "headers": {"Idempotency-Key": "any unique value"}}, "Idempotency-Key"),  # C9
    ({**CREATE, "json": {"name": "strict", "connection_hard_limit": None}}, "connection_hard_limit"),  # C4
    (
        {**CREATE, "url": "/blueprints", "json": {"name": "b", "sql_content": "SELECT 1", "variables": None}},
        "variables",
    ),
    ({"method": "GET", "url": "/me", "params": {"limit": "1"}}, "limit"),
]


@pytest.fixture(scope="module")
def strict() -> Iterator[httpx.Client]:
    options = ("--ephemeral", "--strict", "--rate-limit", "0", "--pool-size", "0")
    with ControlPlane(*options) as plane, plane.client() as client:
        yield client


def ask(client: httpx.Client, call: dict[str, Any]) -> httpx.Response:
    return client.request(**{"headers": new_key(), **call})


@pytest.mark.facts("C1", "C4", "C9", "C24", "S31")
@pytest.mark.parametrize(("call", "field"), LENIENT)
def test_what_is_refused_by_the_letter_only(
    strict: httpx.Client, api: httpx.Client, call: dict[str, Any], field: str
) -> None:
    assert error_of(ask(strict, call), 422, "invalid_field")["field"] == field
    lenient = ask(api, call)
    assert lenient.is_success, lenient.text
    if call["method"] == "POST":
        path = f"{call['url']}/{lenient.json()['data']['uuid']}"
        api.delete(path, headers=new_key()).raise_for_status()


@pytest.mark.facts("S1")
def test_names_are_unique_in_a_team(strict: httpx.Client) -> None:
    first = create_database(strict, "only-one")
    assert error_of(ask(strict, {**CREATE, "json": {"name": "only-one"}}), 422, "name_taken")["field"] == "name"
    other = create_database(strict, "another")
    renamed = strict.patch(f"/databases/{other['uuid']}", json={"name": "only-one"}, headers=new_key())
    assert error_of(renamed, 422, "name_taken")["field"] == "name"
    delete_all(strict, [first["uuid"]])
    create_database(strict, "only-one")
