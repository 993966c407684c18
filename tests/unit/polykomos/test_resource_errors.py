"""What the resources say when the API's answer is not the one that was hoped for, with the way out."""

from __future__ import annotations

import time
from typing import Any

import pytest

from polykomos.client import (
    Client,
    DeadlineExceededError,
    InvalidRequestError,
    RequestOptions,
    TransportError,
    UnknownOutcomeError,
)
from polykomos.client.errors import error_class
from polykomos.package import package
from polykomos.resources.blueprint_application.resource import BlueprintApplication
from polykomos.resources.blueprint_application.schema import BlueprintApplicationArgs
from polykomos.resources.database.resource import Database
from polykomos.resources.database.schema import DatabaseArgs
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from support.scripted_server import ScriptedServer, Step, answer, error

UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
BLUEPRINT = answer(200, {"data": {"uuid": UUID, "name": "b", "version": 1, "sql_content": "SELECT 1;"}})
VALID = answer(200, {"data": {"valid": True}})


def database(status: str | None, http: int = 200) -> Step:
    return answer(http, {"data": {"uuid": UUID, "name": "d", "status": status}})


def context(server: ScriptedServer) -> tuple[Context[Client], list[str]]:
    told: list[str] = []
    deadline = time.monotonic() + 5
    api = Client(base_url=server.base_url, api_key="pk_live_x", read_snapshot_seconds=0).with_options(
        RequestOptions(deadline)
    )
    return Context(api=api, deadline=deadline, info=told.append, warn=told.append), told


@pytest.mark.parametrize("status", ["active", "paused", None])
def test_a_database_that_is_there_is_made(status: str | None) -> None:
    with ScriptedServer([database("provisioning", 202), database(status)]) as server:
        _, state = Database().create(DatabaseArgs(name="d"), context(server)[0])
    assert state.status == status


@pytest.mark.parametrize(
    ("status", "told"), [("failed", f"database {UUID} is failed, not active"), ("deleted", "is gone: it was deleted")]
)
def test_provisioning_that_comes_to_another_end_keeps_the_id(status: str, told: str) -> None:
    with ScriptedServer([database("provisioning", 202), database(status)]) as server:
        ctx, _ = context(server)
        with pytest.raises(ResourceError, match=told):
            Database().create(DatabaseArgs(name="d"), ctx)
    assert ctx.checkpointed is not None
    assert ctx.checkpointed.id == UUID
    with ScriptedServer([database(status)]) as server, pytest.raises(ResourceError, match=told):
        resumed = ctx.checkpointed.state.model_copy(update={"status": status})
        Database().update(UUID, DatabaseArgs(name="d"), resumed, frozenset(), context(server)[0])


def applied(**fields: Any) -> Step:
    return answer(200, {"data": {"id": 7, "status": "completed", **fields}})


def application(version: int | None = 1) -> BlueprintApplicationArgs:
    return BlueprintApplicationArgs(database_uuid=UUID, blueprint_uuid=UUID, blueprint_version=version)


def test_a_version_changed_during_the_apply_is_reported_with_the_application() -> None:
    with ScriptedServer([BLUEPRINT, VALID, applied(blueprint_version=2)]) as server:
        ctx, _ = context(server)
        with pytest.raises(ResourceError, match="application 7 has run version 2 of the blueprint, not version 1"):
            BlueprintApplication().create(application(), ctx)
    assert ctx.checkpointed is not None, "its SQL ran: the state must hold it"
    with ScriptedServer([BLUEPRINT, VALID, applied(blueprint_version=2)]) as server:
        _, state = BlueprintApplication().create(application(None), context(server)[0])
    assert state.blueprint_version == 2
    with ScriptedServer([BLUEPRINT, VALID, applied()]) as server:
        BlueprintApplication().create(application(), context(server)[0])  # the service need not say


NOT_ACTIVE = answer(
    422,
    {"error": {"code": "database_not_active", "message": "It is provisioning.", "details": {"field": "uuid"}}},
)


def test_a_reference_is_named_as_the_argument_is() -> None:
    with ScriptedServer([NOT_ACTIVE]) as server, pytest.raises(InvalidRequestError) as raised:
        context(server)[0].api.apply_blueprint(UUID, blueprint_uuid=UUID)
    explained = package().to_resource_error(raised.value)
    assert isinstance(explained, ResourceError)
    assert explained.property == "database_uuid"


def review(*steps: Step) -> tuple[Any, list[str]]:
    with ScriptedServer(list(steps)) as server:
        ctx, told = context(server)
        args = application().model_dump(exclude_none=True)
        return BlueprintApplication().preview(args, None, frozenset(), ctx), told


def test_a_failed_dry_run_causes_a_warning_and_plans_nothing() -> None:
    assert review(BLUEPRINT, NOT_ACTIVE) == (None, ["dry run skipped: It is provisioning."])
    running = answer(202, {"data": {"id": 7, "status": "running"}})
    foretold, told = review(BLUEPRINT, running, running)
    assert foretold is None
    assert "dry run timed out" in told[0]
    with pytest.raises(ResourceError, match="there is no database") as raised:
        review(BLUEPRINT, error(404, "not_found"))
    assert raised.value.property == "database_uuid"
    me = answer(200, {"data": {"user": {"email": "a@example.com"}}})
    with pytest.raises(ResourceError, match=r"no database .* which belongs to a@example\.com.*set the API key of that"):
        review(BLUEPRINT, error(404, "not_found"), me)


def test_a_dry_run_that_ends_later_is_waited_for() -> None:
    running = answer(202, {"data": {"id": 7, "status": "running"}})
    failed = applied(status="failed", error_message="no table")
    with pytest.raises(ResourceError, match="the dry run failed: no table"):
        review(BLUEPRINT, running, failed)
    foretold, _ = review(BLUEPRINT, running, applied(statements_total=3), VALID)
    assert foretold == {"statements_total": 3, "warnings": []}


@pytest.mark.parametrize(
    ("raised", "has", "lacks"),
    [
        (DeadlineExceededError("still provisioning"), ["Run it again", "`customTimeouts`", "`timeouts`"], "base_url"),
        (UnknownOutcomeError("look before you repeat it"), ["Refresh the state"], "run it again"),
        (TransportError("no answer"), ["base_url", "run it again"], "refresh"),
    ],
)
def test_advice_fits_what_happened(raised: Exception, has: list[str], lacks: str) -> None:
    text = str(package().to_resource_error(raised))
    assert all(each in text for each in has)
    assert lacks not in text


@pytest.mark.parametrize(
    ("status", "code", "has", "lacks"),
    [
        (403, "invalid_api_key", "Check the API key's status", "POLYKOMOS_API_KEY"),
        (403, "system_blueprint_immutable", "a blueprint of your own", "API key"),
        (403, "team_not_accessible", "Set `team_id` to a team of the key's user", "Check the API key"),
        (429, "rate_limit_exceeded", "Wait a minute", "month"),
        (429, "monthly_quota_exceeded", "calls of the month are used up", "Wait a minute"),
        (429, "daily_query_limit_exceeded", "after midnight UTC", "Wait a minute"),
        (422, "name_taken", "`deleteBeforeReplace`", "API key"),
        (422, "invalid_field", "m (422, invalid_field)", "API key"),
    ],
)
def test_advice_follows_the_code_and_not_the_status_alone(status: int, code: str, has: str, lacks: str) -> None:
    text = str(package().to_resource_error(error_class(status, code)(status, code, "m")))
    assert has in text
    assert lacks not in text


def test_a_refused_key_is_named_by_its_source() -> None:
    for status, code, details in (
        (401, "missing_authorization", {}),
        (403, "invalid_api_key", {}),
        (403, "insufficient_scope", {"required_scopes": ["databases:read"]}),
    ):
        refused = error_class(status, code)(status, code, "m", details)
        assert "rejected" not in str(package().to_resource_error(refused))
        refused.key_source = "POLYKOMOS_API_KEY"
        assert str(package().to_resource_error(refused)).endswith("The rejected key comes from POLYKOMOS_API_KEY")


@pytest.mark.parametrize("pages", [[[1, 2]], [[1], [2]]])
def test_a_list_that_leads_in_a_circle_ends(pages: list[list[int]]) -> None:
    items = [[{"uuid": str(n), "name": "n", "id": n, "url": "https://x"} for n in page] for page in pages]
    steps = [answer(200, {"data": page, "has_more": True}) for page in items * 20]
    with ScriptedServer(steps) as server, pytest.raises(TransportError, match="/databases has no end"):
        list(context(server)[0].api.iter_databases())
    assert len(server.seen) <= 3
    with ScriptedServer(steps) as server, pytest.raises(TransportError, match="/webhook_endpoints has no end"):
        Client(base_url=server.base_url, api_key="pk_live_x").read_webhook_endpoint(5)
    assert len(server.seen) <= 6
