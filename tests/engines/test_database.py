"""A database's life on the real Pulumi CLI."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import new_key
from support.naming import unique
from support.needs import require_mariadb
from support.pulumi import Stack


def live(api: httpx.Client, id_: str) -> dict[str, Any]:
    reply = api.get(f"/databases/{id_}")
    reply.raise_for_status()
    return reply.json()["data"]


def test_up_gives_a_database_one_can_connect_to(stack: Stack, api: httpx.Client) -> None:
    name = unique("life")
    stack.write({"db": ("Database", {"name": name})}, {"url": "${db.connectionString}", "uuid": "${db.uuid}"})
    planned = stack.preview()
    assert planned.ops == {"db": "create"}
    assert api.get("/databases", params={"limit": 100}).json()["data"] == [] or name not in str(
        api.get("/databases", params={"limit": 100}).json()
    ), "a preview makes nothing"

    assert stack.up().ops == {"db": "create"}
    outputs = stack.outputs()
    with psycopg.connect(outputs["url"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() is not None
    assert live(api, outputs["uuid"])["name"] == name
    stack.assert_no_changes()
    assert not stack.up("--expect-no-changes").ops

    assert stack.destroy().ops == {"db": "delete"}
    assert api.get(f"/databases/{outputs['uuid']}").status_code == 404
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(outputs["url"], connect_timeout=5)


def test_secrets_are_secret_in_state_and_output(stack: Stack) -> None:
    stack.write({"db": ("Database", {"name": unique("hush")})}, {"url": "${db.connectionString}"})
    shown = stack.up().output
    found = stack.resource("db")["outputs"]
    password = json.loads(found["dbPassword"]["plaintext"])
    url = json.loads(found["connectionString"]["plaintext"])
    assert password in url
    stored = json.dumps(stack.state())
    for secret in (password, url, stack.env["POLYKOMOS_API_KEY"]):
        assert secret not in stored
        assert secret not in shown
        assert secret not in stack.preview("--diff").output
    stack.destroy()


CHANGES_IN_PLACE = [
    ("name", {"name": "{new}"}, {"name": "{new}"}),
    ("storage", {"storageHardLimitGb": 7.5}, {"quotas.storage_hard_limit_gb": 7.5}),
    ("connections", {"connectionHardLimit": 9}, {"quotas.connection_hard_limit": 9}),
    ("threshold", {"warningThresholdPct": 55}, {"quotas.warning_threshold_pct": 55}),
]


def test_changes_in_place(stack: Stack, api: httpx.Client) -> None:
    base = {"name": unique("calm")}
    stack.write({"db": ("Database", base)}, {"uuid": "${db.uuid}"})
    stack.up()
    id_ = stack.outputs()["uuid"]
    original = live(api, id_)
    new = unique("calmer")
    for what, change, expected in CHANGES_IN_PLACE:
        change = {k: v.format(new=new) if isinstance(v, str) else v for k, v in change.items()}
        base |= change
        stack.write({"db": ("Database", base)}, {"uuid": "${db.uuid}"})
        assert stack.preview().ops == {"db": "update"}, what
        assert stack.up().ops == {"db": "update"}, what
        found = live(api, id_)
        for path, value in expected.items():
            actual = found["quotas"][path.removeprefix("quotas.")] if path.startswith("quotas.") else found[path]
            assert actual == (value.format(new=new) if isinstance(value, str) else value), what
        stack.assert_no_changes()
    assert live(api, id_)["db_name"] == original["db_name"]

    # Taken out of the program: the plan's own limits come back.
    stack.write({"db": ("Database", {"name": base["name"]})}, {"uuid": "${db.uuid}"})
    assert stack.up().ops == {"db": "update"}
    assert live(api, id_)["quotas"] == original["quotas"]
    stack.assert_no_changes()
    stack.destroy()


@pytest.mark.parametrize(
    ("property_", "value"), [("region", "eu-west-1"), ("plan", "launch"), ("teamId", None), ("dbType", "mysql")]
)
def test_changes_that_replace(stack: Stack, api: httpx.Client, property_: str, value: Any, other_team: int) -> None:
    if property_ == "dbType":
        require_mariadb()
    name = unique("fresh")
    first = {"name": name, "region": "us-east-1", "plan": "free", "dbType": "postgres"}
    stack.write({"db": ("Database", first)}, {"uuid": "${db.uuid}"})
    stack.up()
    old = stack.outputs()["uuid"]
    stack.write({"db": ("Database", {**first, property_: value or other_team})}, {"uuid": "${db.uuid}"})
    planned = stack.preview()
    assert set(planned.replaces["db"]) == {property_}
    stack.up()
    new = stack.outputs()["uuid"]
    assert new != old
    assert api.get(f"/databases/{old}").status_code == 404
    assert live(api, new)["name"] == name
    stack.assert_no_changes()
    stack.destroy()


def test_an_engine_that_is_not_on_offer_is_refused_in_preview_and_the_old_database_stays(
    stack: Stack, api: httpx.Client
) -> None:
    name = unique("stay")
    stack.write({"db": ("Database", {"name": name})}, {"uuid": "${db.uuid}"})
    stack.up()
    id_ = stack.outputs()["uuid"]
    stack.write({"db": ("Database", {"name": name, "dbType": "cobol"})})
    for refused in (stack.preview(ok=False), stack.up(ok=False)):
        assert refused.replaces == {"db": ["dbType"]}
        assert "dbType" in refused.output
        assert "postgres" in refused.output
    assert live(api, id_)["status"] == "active"
    stack.destroy()


def test_a_servers_choice_is_no_diff_when_it_is_taken_out_of_the_program(stack: Stack) -> None:
    name = unique("keep")
    stack.write({"db": ("Database", {"name": name, "region": "eu-west-1", "plan": "launch"})})
    stack.up()
    stack.write({"db": ("Database", {"name": name})})
    stack.assert_no_changes()
    stack.destroy()


def test_drift_is_found_and_repaired(stack: Stack, api: httpx.Client) -> None:
    name = unique("drift")
    stack.write({"db": ("Database", {"name": name, "connectionHardLimit": 8})}, {"uuid": "${db.uuid}"})
    stack.up()
    id_ = stack.outputs()["uuid"]
    api.patch(f"/databases/{id_}", json={"name": "elsewhere"}, headers=new_key()).raise_for_status()
    api.patch(f"/databases/{id_}/quotas", json={"connection_hard_limit": 3}, headers=new_key()).raise_for_status()

    shown = stack.preview("--refresh", "--diff")
    assert shown.ops == {"db": "update"}
    assert "elsewhere" in shown.output
    assert stack.refresh("--preview-only", "--expect-no-changes", ok=False).status != 0
    assert stack.up("--refresh").ops == {"db": "update"}
    found = live(api, id_)
    assert (found["name"], found["quotas"]["connection_hard_limit"]) == (name, 8)

    # Also by a plain refresh first, as people did before --refresh.
    api.patch(f"/databases/{id_}", json={"name": "elsewhere"}, headers=new_key()).raise_for_status()
    stack.refresh()
    assert stack.up().ops == {"db": "update"}
    assert live(api, id_)["name"] == name
    stack.refresh("--expect-no-changes")
    stack.destroy()


def test_deleted_out_of_band_is_made_again(stack: Stack, api: httpx.Client) -> None:
    stack.write({"db": ("Database", {"name": unique("gone")})}, {"uuid": "${db.uuid}"})
    stack.up()
    old = stack.outputs()["uuid"]
    api.delete(f"/databases/{old}", headers=new_key()).raise_for_status()
    assert stack.preview("--refresh").ops == {"db": "create"}
    stack.up("--refresh")
    assert stack.outputs()["uuid"] != old
    # And a destroy of what is gone already is a success.
    api.delete(f"/databases/{stack.outputs()['uuid']}", headers=new_key()).raise_for_status()
    stack.destroy()


def test_import_then_empty_preview(stack: Stack, api: httpx.Client) -> None:
    name = unique("adopt")
    made = api.post(
        "/databases", params={"wait": True}, json={"name": name, "plan": "launch"}, headers=new_key()
    ).json()
    id_ = made["data"]["uuid"]
    stack.import_("Database", "db", id_)
    generated = (stack.directory / "imported.yaml").read_text()
    assert name in generated
    stack.write({"db": ("Database", {"name": name})})
    stack.assert_no_changes()
    stack.write({"db": ("Database", {"name": name, "plan": "launch", "region": made["data"]["region"]})})
    stack.assert_no_changes()
    assert stack.refresh("--expect-no-changes").status == 0
    stack.destroy()


def test_importing_what_is_not_there_says_so(stack: Stack) -> None:
    failed = stack.import_("Database", "db", str(uuid.uuid4()), ok=False)
    assert "does not exist" in failed.output


@pytest.mark.parametrize(
    ("properties", "property_", "rule"),
    [
        ({"name": "Upper"}, "name", "lowercase"),
        ({"name": "-lead"}, "name", "hyphen"),
        ({"name": "a" * 64}, "name", "1-63"),
        ({"name": "ok", "warningThresholdPct": 101}, "warningThresholdPct", "100"),
        ({"name": "ok", "connectionHardLimit": 0}, "connectionHardLimit", "1"),
        ({"name": "ok", "storageHardLimitGb": 0}, "storageHardLimitGb", "0"),
        ({"name": "ok", "blueprintVariables": {"a": 1}}, "blueprintVariables", "blueprintUuid"),
    ],
)
def test_a_failed_check_names_property_and_rule(stack: Stack, properties: dict, property_: str, rule: str) -> None:
    stack.write({"db": ("Database", properties)})
    failed = stack.preview(ok=False)
    assert property_ in failed.output
    assert rule in failed.output


def test_protection_stops_delete_and_replacement(stack: Stack, api: httpx.Client) -> None:
    name = unique("safe")
    stack.write({"db": ("Database", {"name": name, "deletionProtection": True})}, {"uuid": "${db.uuid}"})
    stack.up()
    id_ = stack.outputs()["uuid"]
    stack.write({"db": ("Database", {"name": name, "deletionProtection": True, "region": "eu-west-1"})})
    for refused in (stack.preview(ok=False), stack.up(ok=False)):
        assert "cannot replace" in refused.output
        assert "`deletionProtection`" in refused.output
    stack.write({})
    assert "cannot delete" in stack.up(ok=False).output
    assert "cannot delete" in stack.destroy(ok=False).output
    assert live(api, id_)["status"] == "active"
    # Changes in place stay possible, and taking the protection off is the way out.
    stack.write({"db": ("Database", {"name": unique("safer"), "deletionProtection": False})})
    assert stack.up().ops == {"db": "update"}
    stack.destroy()
    assert api.get(f"/databases/{id_}").status_code == 404


def test_protection_stops_a_replacement_that_is_forced(stack: Stack, api: httpx.Client) -> None:
    """The engine asks no Diff then: the new database's Create is all it tells before the old one is to go."""
    name = unique("held")
    kept = {"name": name, "deletionProtection": True}
    stack.write({"db": ("Database", kept)}, {"uuid": "${db.uuid}"})
    stack.up(previewed=True)
    id_ = stack.outputs()["uuid"]
    target = ("--target-replace", stack.resource("db")["urn"])
    for refused in (stack.preview(*target, ok=False), stack.up(*target, ok=False)):
        assert f"cannot replace: database {name}" in refused.output
    renamed = ("Database", {**kept, "name": unique("held")}, {"replaceOnChanges": ["name"]})
    stack.write({"db": renamed}, {"uuid": "${db.uuid}"})
    for refused in (stack.preview(ok=False), stack.up(ok=False)):
        assert f"cannot replace: database {name}" in refused.output
    assert stack.resource("db")["id"] == id_, "and nothing is to be deleted"
    stack.write({"db": ("Database", kept)}, {"uuid": "${db.uuid}"})
    stack.assert_no_changes()
    # What is gone may be made again, though the state still tells of the protected one.
    api.delete(f"/databases/{id_}", headers=new_key()).raise_for_status()
    assert "create" in stack.up("--refresh", previewed=True).ops["db"]
    stack.write({"db": ("Database", {"name": name, "deletionProtection": False})})
    stack.up()
    stack.destroy()


def test_an_object_deleted_outside_the_engine_is_reported_with_the_remedy(stack: Stack, api: httpx.Client) -> None:
    given = {"name": unique("lost")}
    blueprint = {"name": unique("lost"), "sqlContent": "SELECT 1;"}
    outputs = {"db": "${db.uuid}", "bp": "${bp.uuid}"}
    stack.write({"db": ("Database", given), "bp": ("Blueprint", blueprint)}, outputs)
    stack.up()
    made = stack.outputs()
    api.delete(f"/databases/{made['db']}", headers=new_key()).raise_for_status()
    api.delete(f"/blueprints/{made['bp']}").raise_for_status()
    given["name"], blueprint["name"] = unique("found"), unique("found")
    stack.write({"db": ("Database", given), "bp": ("Blueprint", blueprint)}, outputs)
    failed = stack.up("--continue-on-error", ok=False)
    for what, kind in (("database", "db"), ("blueprint", "bp")):
        assert f"{what} {made[kind]} is gone: it was deleted" in failed.output
        assert "pulumi up --refresh" in failed.output
    assert stack.up("--refresh").ops == {"db": "create", "bp": "create"}
    stack.destroy()
