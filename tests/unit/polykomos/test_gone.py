"""When a 404 is taken for a deletion: the key's account against what the state, and the run, tell of the object's."""

from __future__ import annotations

import time
import uuid

import pytest

from polykomos.client import Client, NotFoundError, RequestOptions
from polykomos.resources.errors import confirm_gone, not_found_as_error
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.idempotency import OwnershipRegistry, ResourceRefs
from support.list_server import ListServer, new_endpoint
from support.scripted_server import ScriptedServer, answer, error

LOST, OTHER, APPLIED = (str(uuid.UUID(int=n, version=4)) for n in (1, 2, 3))
DATABASE, BLUEPRINT, ENDPOINT = "polykomos_database", "polykomos:index:Blueprint", "polykomos_webhook_endpoint"
APPLICATION = ("polykomos_blueprint_application", f"{APPLIED}/{OTHER}/1")


def context(
    url: str, held: ResourceRefs | None = None, account: str | None = None
) -> tuple[Context[Client], list[str]]:
    warned: list[str] = []
    deadline = time.monotonic() + 5
    api = Client(base_url=url, api_key="pk_live_x").with_options(RequestOptions(deadline))
    ctx = Context(
        api=api, deadline=deadline, warn=warned.append, ownership=OwnershipRegistry(lambda: held), account=account
    )
    return ctx, warned


def test_the_recorded_account_decides() -> None:
    with ListServer(10) as server:
        ctx, warned = context(server.base_url)
        mine = ctx.api.account_id()
        assert mine
        assert "example" not in mine
        ctx.account = mine
        confirm_gone("database", LOST, ctx, 3)
        ctx.account = "another"
        for what in ("database", "blueprint", "webhook endpoint", "blueprint application"):
            with pytest.raises(ResourceError, match=r"belongs to a@example\.com: .* another account") as raised:
                confirm_gone(what, LOST, ctx, 3)
            assert "state rm" in str(raised.value)
        # A colleague's key sees the other databases of the team.
        server.databases.append({"uuid": OTHER, "name": "d", "team_id": 3})
        confirm_gone("database", LOST, ctx, 3)
        with pytest.raises(ResourceError):
            confirm_gone("database", LOST, ctx, 4)
        with pytest.raises(ResourceError):
            confirm_gone("blueprint", LOST, ctx)
    assert warned == []


@pytest.mark.parametrize(
    ("what", "held", "verdict"),
    [
        ("database", None, "warned"),
        ("database", [], "warned"),
        ("database", [(DATABASE, LOST)], "warned"),
        ("database", [("aws_db", OTHER), ("pulumi:providers:polykomos", OTHER)], "warned"),
        ("database", [(DATABASE, LOST), (DATABASE, OTHER)], "gone"),
        ("database", [APPLICATION], "refused"),
        ("database", [("pulumi-python:dynamic/polykomos:Database", OTHER)], "gone"),
        ("database", [(DATABASE, APPLIED)], "refused"),
        ("database", [(BLUEPRINT, OTHER)], "refused"),
        ("database", [(ENDPOINT, "7")], "warned"),
        ("blueprint", [(DATABASE, OTHER)], "warned"),
        ("blueprint", [(DATABASE, OTHER), (BLUEPRINT, OTHER)], "refused"),
        ("blueprint", [(ENDPOINT, "7")], "gone"),
        ("webhook endpoint", [(ENDPOINT, "8")], "refused"),
        ("blueprint application", [(DATABASE, OTHER)], "gone"),
    ],
)
def test_without_a_record_the_other_objects_of_the_state_tell(
    what: str, held: list[tuple[str, str]] | None, verdict: str
) -> None:
    with ListServer(10) as server:
        server.databases.append({"uuid": OTHER, "name": "d"})
        server.endpoints.append(new_endpoint(7))
        ctx, warned = context(server.base_url, None if held is None else frozenset(held))
        if verdict == "refused":
            with pytest.raises(ResourceError, match="did not record the account"):
                confirm_gone(what, LOST, ctx)
        else:
            confirm_gone(what, LOST, ctx)
        assert bool(warned) is (verdict == "warned")


def test_the_keys_account_is_read_once_and_is_required() -> None:
    me = answer(200, {"data": {"user": {"email": "a@example.com"}}})
    with ScriptedServer([me]) as server:
        ctx, _ = context(server.base_url)
        for _ in range(3):
            confirm_gone("blueprint application", LOST, ctx)
        assert [each.path for each in server.seen].count("/api/v1/me") == 1
    with ScriptedServer([error(404, "not_found")]) as server:
        with pytest.raises(ResourceError, match="base URL is not that of the API"):
            confirm_gone("database", LOST, context(server.base_url)[0])
        ctx, _ = context(server.base_url)
        with pytest.raises(ResourceError, match="base URL"), not_found_as_error("database", LOST, ctx):
            raise NotFoundError(404, "not_found", "Not there.")
    with ScriptedServer([answer(200, {"data": {}})]) as server:
        confirm_gone("database", LOST, context(server.base_url, account="x")[0])  # a service that does not say
