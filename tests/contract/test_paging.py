"""The lists: newest first, every object once, whatever the page (api-facts "Pagination")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import OTHER_KEY, ControlPlane, create_database, delete_all
from support.operations import ABSENT_UUID, BY_NAME, LISTS, Operation, error_of, id_of, list_all

COUNT = 7
PAGED = ["/databases", "/blueprints", "/webhook_endpoints"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """With seven objects of every kind, of a user who has nothing else."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0") as plane, plane.client() as client:
        for number in range(COUNT):
            BY_NAME["createDatabase"].call(client, json={"name": f"d{number}"})
            BY_NAME["createBlueprint"].call(client, json={"name": f"b{number}", "sql_content": "SELECT 1"})
            BY_NAME["createWebhookEndpoint"].call(client)
        endpoint = client.get("/webhook_endpoints").json()["data"][0]["id"]
        for _ in range(COUNT):
            BY_NAME["createWebhookTestDelivery"].call(client, endpoint)
        yield plane


@pytest.fixture(scope="module")
def owner(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


def path_of(operation: Operation, client: httpx.Client) -> str:
    """Deliveries are those of the newest endpoint."""
    if not operation.has_path_id:
        return operation.path
    return operation.url(client.get("/webhook_endpoints").json()["data"][0]["id"])


def ids(items: list[dict[str, Any]]) -> list[Any]:
    return [item.get("uuid") or item["id"] for item in items]


every_list = pytest.mark.parametrize("operation", LISTS, ids=str)


@pytest.mark.facts("pagination:order")
@every_list
def test_one_page_holds_all_newest_first(owner: httpx.Client, operation: Operation) -> None:
    page = owner.get(path_of(operation, owner)).json()
    assert page["has_more"] is False
    assert len(page["data"]) >= COUNT
    made = [item["created_at"] for item in page["data"]]
    assert made == sorted(made, reverse=True)
    if operation.path in ("/databases", "/blueprints"):
        own = [item["name"] for item in page["data"] if not item.get("is_system_blueprint")]
        assert [name[1:] for name in own] == [str(number) for number in reversed(range(COUNT))]
    elif str(operation) != "listWebhookDeliveries":
        # Deliveries are made by several transactions at once, whose moments and numbers may cross by a little.
        assert ids(page["data"]) == sorted(ids(page["data"]), reverse=True)


@pytest.mark.facts("pagination:cursor")
@pytest.mark.parametrize("limit", [1, 2, 3, COUNT - 1, COUNT, COUNT + 1, 100])
@every_list
def test_pages_of_any_size_add_up(owner: httpx.Client, operation: Operation, limit: int) -> None:
    # By their ids: deliveries go on in the background and leave their marks on endpoints meanwhile.
    path = path_of(operation, owner)
    assert [id_of(item) for item in list_all(owner, path, limit)] == [id_of(item) for item in list_all(owner, path)]


@pytest.mark.facts("pagination:has-more")
@every_list
def test_has_more_is_true_exactly_when_there_is_more(owner: httpx.Client, operation: Operation) -> None:
    path = path_of(operation, owner)
    total = len(owner.get(path).json()["data"])
    for limit in range(1, total + 2):
        page = owner.get(path, params={"limit": limit}).json()
        assert len(page["data"]) == min(limit, total)
        assert page["has_more"] is (limit < total)


@every_list
def test_after_the_last_there_is_an_empty_page(owner: httpx.Client, operation: Operation) -> None:
    path = path_of(operation, owner)
    last = ids(owner.get(path).json()["data"])[-1]
    page = owner.get(path, params={"starting_after": last}).json()
    assert page["data"] == []
    assert page["has_more"] is False


@pytest.mark.facts("pagination:limit")
@every_list
def test_a_wrong_limit_is_refused(owner: httpx.Client, operation: Operation) -> None:
    path = path_of(operation, owner)
    for limit in ("0", "101", "-1", "x", "", "1.5", "+5", "1_0", "%D9%A5", "9" * 30, "null"):
        reply = owner.get(f"{path}?limit={limit}")
        assert error_of(reply, 422, "invalid_field")["field"] == "limit"


@pytest.mark.facts("pagination:cursor")
@every_list
def test_an_unknown_cursor_is_refused(owner: httpx.Client, operation: Operation) -> None:
    path = path_of(operation, owner)
    for cursor in ("", "x", "%00", ABSENT_UUID, "0", "2000000000", "-1", "9" * 30):
        reply = owner.get(f"{path}?starting_after={cursor}")
        assert error_of(reply, 422, "invalid_cursor")["field"] == "starting_after"


@pytest.mark.facts("pagination:cursor")
def test_a_cursor_of_a_stranger_is_as_good_as_none(plane: ControlPlane, owner: httpx.Client) -> None:
    with plane.client(OTHER_KEY) as stranger:
        for path in PAGED:
            own = [item for item in owner.get(path).json()["data"] if not item.get("is_system_blueprint")]
            reply = stranger.get(path, params={"starting_after": ids(own)[0]})
            error_of(reply, 422, "invalid_cursor")


def test_a_stranger_sees_system_blueprints_only(plane: ControlPlane) -> None:
    with plane.client(OTHER_KEY) as stranger:
        assert stranger.get("/databases").json()["data"] == []
        assert stranger.get("/webhook_endpoints").json()["data"] == []
        assert all(item["is_system_blueprint"] for item in stranger.get("/blueprints").json()["data"])


@pytest.mark.facts("pagination:order")
def test_what_comes_and_goes_between_pages_moves_no_other(owner: httpx.Client) -> None:
    """A cursor is a place in the order, not an offset."""
    before = ids(list_all(owner, "/databases"))
    first = owner.get("/databases", params={"limit": 2}).json()
    made = create_database(owner, "newcomer")
    seen, more = ids(first["data"]), first["has_more"]
    while more:
        page = owner.get("/databases", params={"limit": 2, "starting_after": seen[-1]}).json()
        seen, more = seen + ids(page["data"]), page["has_more"]
    assert seen == before
    delete_all(owner, [made["uuid"]])
    assert ids(list_all(owner, "/databases")) == before


@pytest.mark.parametrize("path", PAGED)
def test_a_list_never_shows_a_secret(owner: httpx.Client, path: str) -> None:
    text = owner.get(path).text
    assert "whsec_" not in text
    assert "sql_content" not in text
    assert "db_password" not in text
    for item in owner.get("/databases").json()["data"]:
        assert item["connection_string"] is None or "***" in item["connection_string"]
