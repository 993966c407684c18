"""The options that Terraform and OpenTofu put around every resource: what the plan shows is all that is done.

One table (`support.option_subjects`) names every resource with an edit of every argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx

from polykomos.resources import RESOURCES
from resourcekit.fields import field_specs
from support.calls import recorded
from support.control_plane import ControlPlane
from support.hcl import Declared, Expression, module
from support.option_subjects import BASE, SUBJECTS, TOGETHER, Subject
from support.terraform import Result, Workspace

TYPES = [subject.type for subject in SUBJECTS]
PATHS = {"polykomos_database": "databases", "polykomos_blueprint": "blueprints"}


def test_the_table_names_every_argument_of_every_resource() -> None:
    for resource, subject in zip(RESOURCES, SUBJECTS, strict=True):
        assert field_specs(resource.arguments).keys() <= subject.edits.keys()


# ignore_changes


def ignoring(edited: bool) -> Iterator[tuple[Declared, str | None]]:
    """For each argument a resource that ignores it, and the argument that is edited beside it."""
    for subject in SUBJECTS:
        for name, values in subject.edits.items():
            beside = subject.beside(name)
            arguments = {**subject.needed, **TOGETHER.get(name, {}), name: values[edited]}
            if edited and beside:
                arguments[beside] = subject.edits[beside][1]
            yield Declared(subject.type, name, arguments, (f"ignore_changes = [{name}]",)), beside
        yield from every_argument(subject, edited)


def every_argument(subject: Subject, edited: bool) -> Iterator[tuple[Declared, str | None]]:
    """Resources that ignore all arguments but one: they are taken out of the configuration, or come into it."""
    beside = subject.in_place[0] if subject.in_place else None
    ignored = [name for name in subject.edits if name not in (beside, *subject.needed)]
    lifecycle = (f"ignore_changes = [{', '.join(ignored)}]",)
    alone = {**subject.needed, **({beside: subject.edits[beside][edited]} if beside else {})}
    usual, other = (
        {name: subject.edits[name][which] for name in ignored if not name.endswith("_wo_version")} for which in (0, 1)
    )
    yield Declared(subject.type, "removed", {**({} if edited else usual), **alone}, lifecycle), beside
    yield Declared(subject.type, "added", {**(other if edited else {}), **alone}, lifecycle), beside
    everything = {name: values[1] for name, values in subject.edits.items() if not name.endswith("_wo_version")}
    yield Declared(subject.type, "all", everything if edited else subject.needed, ("ignore_changes = all",)), None


def test_ignore_changes(workspace: Workspace, api: httpx.Client, control_plane: ControlPlane) -> None:
    workspace.write(module([*BASE, *(declared for declared, _ in ignoring(edited=False))]))
    workspace.apply()
    workspace.settled()
    workspace.write(module([*BASE, *(declared for declared, _ in ignoring(edited=True))]))
    edits = {declared.address: beside for declared, beside in ignoring(edited=True)}
    planned = workspace.plan()
    assert planned.actions == {address: "update" for address, beside in edits.items() if beside}
    for address, beside in edits.items():
        shown = planned.changes[address]
        changed = {name for name, value in shown["after"].items() if value != shown["before"].get(name)}
        assert changed - set(shown["after_unknown"]) == ({beside} if beside else set()), address
    with recorded(control_plane) as entries:
        workspace.apply("tfplan")
    assert fields_sent(entries, workspace) == {address: {beside} for address, beside in edits.items() if beside}
    workspace.settled()
    is_what_the_api_has(workspace, api)
    workspace.write(module([*BASE, *(declared for declared, _ in ignoring(edited=False))]))
    workspace.destroy()


def fields_sent(entries: list[dict[str, Any]], workspace: Workspace) -> dict[str, set[str]]:
    """The fields of every request that changes an object, by the address of the object."""
    found: dict[str, set[str]] = {}
    addresses = {values["id"]: address for address, values in workspace.resources().items()}
    for entry in entries:
        if entry["method"] in ("PATCH", "POST", "DELETE") and entry["operation"] != "createBlueprintValidation":
            assert entry["method"] == "PATCH", entry["target"]
            id_ = next(part for part in entry["target"].split("/") if part in addresses)
            found.setdefault(addresses[id_], set()).update(json.loads(entry["request_body"]))
    return found


def is_what_the_api_has(workspace: Workspace, api: httpx.Client) -> None:
    """Fail unless the state of every database and blueprint says what the API says."""
    for address, values in workspace.resources().items():
        path = PATHS.get(address.partition(".")[0])
        if path:
            there = api.get(f"/{path}/{values['uuid']}").raise_for_status().json()["data"]
            reported = {**there, **(there.get("quotas") or {})}
            for name in ("name", "version", "sql_content", "description", "connection_hard_limit", "plan", "region"):
                if name in values:
                    assert reported[name] == values[name], (address, name)


# Replacement, protection, parts of a module


def one_of_each(*lifecycle: str, edited: bool = False, label: str = "x") -> list[Declared]:
    """One resource of each type. edited: with an edit that updates it in place, or else one that replaces it."""
    edit = {"polykomos_blueprint_application": "variables", "polykomos_webhook_endpoint": "url"}
    return [
        Declared(
            subject.type,
            label,
            {**subject.needed, name: subject.edits[name][edited]},
            lifecycle,
        )
        for subject in SUBJECTS
        for name in [edit.get(subject.type) or subject.in_place[0]]
    ]


def order_of(done: Result) -> dict[str, list[str]]:
    """What was done to each address, in order."""
    found: dict[str, list[str]] = {}
    for event in done.events:
        if event.get("type") == "apply_start":
            found.setdefault(event["hook"]["resource"]["addr"], []).append(event["hook"]["action"])
    return found


ALL = [f"{type_}.x" for type_ in TYPES]


def test_replacement(workspace: Workspace, api: httpx.Client) -> None:
    trigger = 'resource "terraform_data" "trigger" {{ input = {} }}\n'
    every = [f"-replace={address}" for address in ALL]
    workspace.write(module([*BASE, *one_of_each()]) + trigger.format(1))
    workspace.apply()
    assert order_of(workspace.apply(*every)) == {key: ["delete", "create"] for key in ALL}, "the engine's own order"
    workspace.settled()

    workspace.write(module([*BASE, *one_of_each("create_before_destroy = true")]) + trigger.format(1))
    workspace.apply()
    before = {address: workspace.resource(address)["id"] for address in ALL}
    assert order_of(workspace.apply(*every)) == {key: ["create", "delete"] for key in ALL}
    after = {address: workspace.resource(address)["id"] for address in ALL}
    assert not [address for address in ALL if before[address] == after[address]]
    workspace.settled()
    is_what_the_api_has(workspace, api)

    triggered = ("replace_triggered_by = [terraform_data.trigger]",)
    workspace.write(module([*BASE, *one_of_each(*triggered)]) + trigger.format(1))
    workspace.settled()
    workspace.write(module([*BASE, *one_of_each(*triggered)]) + trigger.format(2))
    assert workspace.plan().actions == {**dict.fromkeys(ALL, "replace"), "terraform_data.trigger": "update"}
    workspace.apply("tfplan")
    workspace.settled()

    # With `ignore_changes` a replacement is made from the whole configuration.
    workspace.write(module([*BASE, *one_of_each("ignore_changes = all", edited=True)]) + trigger.format(2))
    assert workspace.plan().empty
    assert workspace.plan(*every).actions == dict.fromkeys(ALL, "replace")
    workspace.apply("tfplan")
    assert workspace.resource("polykomos_webhook_endpoint.x")["url"] == SUBJECTS[3].edits["url"][1]
    assert workspace.resource("polykomos_database.x")["name"] == "second"
    is_what_the_api_has(workspace, api)
    workspace.settled()
    workspace.destroy()


def test_prevent_destroy(workspace: Workspace) -> None:
    workspace.write(module([*BASE, *one_of_each("prevent_destroy = true")]))
    workspace.apply()
    refused = workspace.destroy(ok=False)
    for address in ALL:
        assert address in refused.diagnostics
    assert set(ALL) <= set(workspace.resources())
    edited = one_of_each("prevent_destroy = true", edited=True)
    workspace.write(module([*BASE, *edited]))
    refused = workspace.plan(ok=False)
    assert "polykomos_webhook_endpoint.x" in refused.diagnostics
    assert "polykomos_database.x" not in refused.diagnostics, "an update in place destroys nothing"
    workspace.write(module([*BASE, *one_of_each()]))
    workspace.destroy()


def test_target_and_refresh(workspace: Workspace, api: httpx.Client, control_plane: ControlPlane) -> None:
    workspace.write(module([*BASE, *one_of_each()]))
    workspace.apply("-target=polykomos_blueprint_application.x")
    needed = {"polykomos_blueprint_application.x", "polykomos_database.base", "polykomos_blueprint.base"}
    assert set(workspace.resources()) == needed
    workspace.apply()
    workspace.write(module([*BASE, *one_of_each(edited=True)]))
    left = dict(zip(ALL, ("update", "update", "replace", "replace"), strict=True))
    assert workspace.plan().actions == left
    for address in ALL:
        assert workspace.plan(f"-target={address}").actions == {address: left.pop(address)}
        workspace.apply("tfplan")
        assert workspace.plan().actions == left
    workspace.settled()

    # Changed by hand: without a refresh the engine does not see it, and an edit of something else does not undo it.
    found = workspace.resources()
    uuids = {type_: found[f"{type_}.x"]["uuid"] for type_ in PATHS}
    limits = {"connection_hard_limit": 4}
    key = {"Idempotency-Key": "by-hand-" + uuids["polykomos_database"]}
    api.patch(f"/databases/{uuids['polykomos_database']}/quotas", json=limits, headers=key).raise_for_status()
    api.patch(f"/blueprints/{uuids['polykomos_blueprint']}", json={"description": "by hand"}).raise_for_status()
    assert workspace.plan("-refresh=false").empty
    workspace.write(module([*BASE, *one_of_each()]))
    updates = dict.fromkeys(ALL[:2], "update")
    planned = workspace.plan("-refresh=false")
    assert {address: planned.actions[address] for address in updates} == updates
    with recorded(control_plane) as entries:
        workspace.apply("-refresh=false", *(f"-target={address}" for address in updates))
    assert fields_sent(entries, workspace) == {address: {"name"} for address in updates}
    there = api.get(f"/databases/{uuids['polykomos_database']}").json()["data"]
    assert there["quotas"]["connection_hard_limit"] == 4
    assert api.get(f"/blueprints/{uuids['polykomos_blueprint']}").json()["data"]["description"] == "by hand"
    workspace.apply()
    workspace.settled()
    is_what_the_api_has(workspace, api)

    # Deleted by hand: an update that does not look first says what to do, and a destroy is done already.
    api.delete(f"/blueprints/{uuids['polykomos_blueprint']}").raise_for_status()
    workspace.write(module([*BASE, *one_of_each(edited=True)]))
    refused = workspace.apply("-refresh=false", "-target=polykomos_blueprint.x", ok=False)
    assert "is gone" in refused.diagnostics
    workspace.destroy("-refresh=false")


def test_an_ignored_change_of_the_sql_reaches_no_database(workspace: Workspace, api: httpx.Client) -> None:
    """Field report A1: an application that follows the blueprint's version would run the ignored SQL."""
    blueprint = {"name": "first", "sql_content": "SELECT 1"}
    application = {
        "database_uuid": Expression("polykomos_database.base.uuid"),
        "blueprint_uuid": Expression("polykomos_blueprint.b.uuid"),
        "blueprint_version": Expression("polykomos_blueprint.b.version"),
    }
    ignoring_sql = ("ignore_changes = [sql_content]",)
    app = Declared("polykomos_blueprint_application", "a", application)
    workspace.write(module([*BASE, Declared("polykomos_blueprint", "b", blueprint, ignoring_sql), app]))
    workspace.apply()
    number = workspace.resource(app.address)["application_id"]
    edited = {"name": "second", "sql_content": "SELECT 2"}
    workspace.write(module([*BASE, Declared("polykomos_blueprint", "b", edited, ignoring_sql), app]))
    assert workspace.apply().done == {"update": 1}
    there = api.get(f"/blueprints/{workspace.resource('polykomos_blueprint.b')['uuid']}").json()["data"]
    assert (there["name"], there["sql_content"], there["version"]) == ("second", "SELECT 1", 1)
    assert workspace.resource(app.address)["application_id"] == number
    workspace.settled()
    workspace.destroy()
