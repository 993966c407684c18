"""The identity of an object is in every answer about it, of a call that failed too (field report B4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from support.control_plane import ControlPlane
from support.naming import unique
from support.terraform import NEWEST, Workspace
from support.tfplugin import Plugin, errors, plain, value

DATABASE = "polykomos_database"


@contextmanager
def answering(plane: ControlPlane, operation: str, status: int) -> Iterator[None]:
    """The operation is refused with this status."""
    with plane.admin() as admin:
        rule = {"operation": operation, "effect": "status", "status": status}
        admin.post("/faults", json=rule).raise_for_status()
        try:
            yield
        finally:
            admin.delete("/faults").raise_for_status()


def identity(id_: str) -> pb.ResourceIdentityData:
    return pb.ResourceIdentityData(identity_data=value({"id": id_}))


@pytest.mark.parametrize("known", [True, False], ids=["identity in the state", "state without identity"])
def test_calls_that_fail_answer_with_the_identity(plugin: Plugin, control_plane: ControlPlane, known: bool) -> None:
    made = plugin.create(DATABASE, name=unique("named"))
    own = {"id": made["id"]}
    sent = identity(made["id"]) if known else None
    config = plugin.object(DATABASE, name=unique("renamed"))
    for wanted in (config, None):
        request = pb.PlanResourceChange.Request(
            type_name=DATABASE, prior_state=value(made), config=value(wanted), proposed_new_state=value(wanted),
            prior_identity=sent,
        )  # fmt: skip
        planned = plugin.call("PlanResourceChange", request)
        assert plain(planned.planned_identity.identity_data) == own
        apply = pb.ApplyResourceChange.Request(
            type_name=DATABASE, prior_state=value(made), config=value(wanted), planned_state=planned.planned_state,
            planned_private=planned.planned_private, planned_identity=sent,
        )  # fmt: skip
        with answering(control_plane, "updateDatabase" if wanted else "deleteDatabase", 422):
            applied = plugin.call("ApplyResourceChange", apply)
        assert errors(applied)
        assert plain(applied.new_state) == made
        assert plain(applied.new_identity.identity_data) == own
    with answering(control_plane, "getDatabase", 403):
        asked = pb.ReadResource.Request(type_name=DATABASE, current_state=value(made), current_identity=sent)
        read = plugin.call("ReadResource", asked)
    assert errors(read)
    assert plain(read.new_identity.identity_data) == own


def test_a_create_that_fails_half_way_has_an_identity(plugin: Plugin, control_plane: ControlPlane) -> None:
    config = plugin.object("polykomos_webhook_endpoint", url="https://hooks.example.com/named")
    planned = plugin.plan("polykomos_webhook_endpoint", config)
    with answering(control_plane, "createWebhookEndpoint", 422):
        refused = plugin.apply("polykomos_webhook_endpoint", config, planned)
    assert errors(refused)
    assert not refused.HasField("new_identity"), "nothing was made"
    made = plugin.apply("polykomos_webhook_endpoint", config, planned)
    assert plain(made.new_identity.identity_data) == {"id": plain(made.new_state)["id"]}


def identities(workspace: Workspace) -> list[Any]:
    state = json.loads(workspace.state_text)
    return [instance.get("identity") for resource in state["resources"] for instance in resource["instances"]]


@pytest.mark.parametrize("engine", [NEWEST, "tofu"])
def test_a_saved_plan_that_is_refused_keeps_the_identity(
    engine: str, new_attached_workspace: Callable[[str], Workspace], control_plane: ControlPlane
) -> None:
    workspace = new_attached_workspace(engine)
    name = unique("saved")
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{name}" }}')
    workspace.apply()
    before = identities(workspace)
    assert before == [{"id": workspace.resource("polykomos_database.db")["id"]}]
    workspace.write(f'resource "polykomos_database" "db" {{ name = "{name}-2" }}')
    workspace.plan()
    with answering(control_plane, "updateDatabase", 422):
        workspace.apply("tfplan", ok=False)
    assert identities(workspace) == before
    workspace.apply()
    workspace.settled()
    workspace.destroy()
