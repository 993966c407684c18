"""A blueprint's life, and its use when a database is created, on the real Pulumi CLI."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from support.naming import unique
from support.pulumi import Stack

ONE = "CREATE TABLE one (id serial PRIMARY KEY);"
TWO = ONE + "\nCREATE TABLE two (id serial PRIMARY KEY);"


def live(api: httpx.Client, id_: str) -> dict[str, Any]:
    reply = api.get(f"/blueprints/{id_}")
    reply.raise_for_status()
    return reply.json()["data"]


def test_a_blueprints_whole_life(stack: Stack, api: httpx.Client) -> None:
    outputs = {"uuid": "${bp.uuid}", "version": "${bp.version}", "slug": "${bp.slug}"}
    given: dict[str, Any] = {"name": unique("plan"), "sqlContent": ONE}
    stack.write({"bp": ("Blueprint", given)}, outputs)
    assert stack.up().ops == {"bp": "create"}
    first = stack.outputs()
    assert first["version"] == 1
    stack.assert_no_changes()

    for change, version in [
        ({"name": unique("renamed")}, 1),
        ({"description": "Tables"}, 1),
        ({"sqlContent": TWO}, 2),
        ({"variables": {"who": {"type": "string", "default": "Ada"}}}, 2),
    ]:
        given |= change
        stack.write({"bp": ("Blueprint", given)}, outputs)
        assert stack.preview().ops == {"bp": "update"}
        assert stack.up().ops == {"bp": "update"}, change
        assert stack.outputs() == {**first, "version": version}
        stack.assert_no_changes()
        stack.refresh("--expect-no-changes")
    found = live(api, first["uuid"])
    assert found["description"] == "Tables"
    assert found["sql_content"] == TWO

    stack.write({"bp": ("Blueprint", {k: v for k, v in given.items() if k != "description"})}, outputs)
    assert stack.up().ops == {"bp": "update"}
    assert not live(api, first["uuid"])["description"]
    stack.assert_no_changes()

    stack.destroy()
    assert api.get(f"/blueprints/{first['uuid']}").status_code == 404


def test_drift_and_deletion_out_of_band(stack: Stack, api: httpx.Client) -> None:
    stack.write({"bp": ("Blueprint", {"name": unique("drift"), "sqlContent": ONE})}, {"uuid": "${bp.uuid}"})
    stack.up()
    id_ = stack.outputs()["uuid"]
    api.patch(f"/blueprints/{id_}", json={"sql_content": TWO}).raise_for_status()
    shown = stack.preview("--refresh", "--diff")
    assert shown.ops == {"bp": "update"}
    assert "two" in shown.output
    stack.up("--refresh")
    assert live(api, id_)["sql_content"] == ONE
    api.delete(f"/blueprints/{id_}").raise_for_status()
    assert stack.up("--refresh").ops == {"bp": "create"}
    stack.destroy()


def test_import_then_empty_preview(stack: Stack, api: httpx.Client) -> None:
    given = {
        "name": unique("adopt"),
        "sql_content": "CREATE TABLE t (n int DEFAULT {{n}});",
        "description": "d",
        "variables": {"n": {"type": "number", "default": 3}},
    }
    reply = api.post("/blueprints", json=given, headers={"Idempotency-Key": unique("k")})
    reply.raise_for_status()
    stack.import_("Blueprint", "bp", reply.json()["data"]["uuid"])
    stack.write(
        {
            "bp": (
                "Blueprint",
                {
                    "name": given["name"],
                    "sqlContent": given["sql_content"],
                    "description": "d",
                    "variables": given["variables"],
                },
            )
        }
    )
    stack.assert_no_changes()
    stack.destroy()


def test_preview_has_the_sql_checked(stack: Stack, api: httpx.Client) -> None:
    before = api.get("/blueprints", params={"limit": 100}).json()["data"]
    stack.write({"bp": ("Blueprint", {"name": unique("bad"), "sqlContent": "CREATE TABEL nope (id int);"})})
    failed = stack.preview(ok=False)
    assert "sqlContent" in failed.output
    assert "TABEL" in failed.output
    assert api.get("/blueprints", params={"limit": 100}).json()["data"] == before

    stack.write({"bp": ("Blueprint", {"name": unique("drops"), "sqlContent": ONE + " DROP TABLE one;"})})
    assert "DROP" in stack.preview().diagnostics.upper(), "destructive statements are warned of"


@pytest.mark.parametrize(
    ("given", "property_", "rule"),
    [
        ({"name": " ", "sqlContent": ONE}, "name", "empty"),
        ({"name": "x", "sqlContent": " "}, "sqlContent", "statement"),
        ({"name": "x", "sqlContent": ONE, "variables": {"v": {"type": "date"}}}, "variables.v.type", "identifier"),
    ],
)
def test_a_failed_check_names_property_and_rule(stack: Stack, given: dict, property_: str, rule: str) -> None:
    stack.write({"bp": ("Blueprint", given)})
    failed = stack.preview(ok=False)
    assert property_ in failed.output
    assert rule in failed.output


def test_a_blueprint_acts_when_the_database_is_created_and_never_later(stack: Stack, api: httpx.Client) -> None:
    name = unique("born")
    blueprint = ("Blueprint", {"name": unique("birth"), "sqlContent": "CREATE TABLE cradle (who text DEFAULT {{who}});",
                               "variables": {"who": {"default": "x"}}})  # fmt: skip
    db = {"name": name, "blueprintUuid": "${bp.uuid}", "blueprintVariables": {"who": "me"}}
    outputs = {"uuid": "${db.uuid}", "url": "${db.connectionString}"}
    stack.write({"bp": blueprint, "db": ("Database", db)}, outputs)
    stack.up()
    made = stack.outputs()
    with psycopg.connect(made["url"]) as connection:
        row = connection.execute("INSERT INTO cradle DEFAULT VALUES RETURNING who").fetchone()
        assert row == ("me",)
    stack.assert_no_changes()
    stack.refresh("--expect-no-changes")

    stack.write({"bp": blueprint, "db": ("Database", {**db, "blueprintVariables": {"who": "you"}})}, outputs)
    for refused in (stack.preview(ok=False), stack.up(ok=False)):
        assert "blueprintVariables" in refused.output
        assert "BlueprintApplication" in refused.output
    assert api.get(f"/databases/{made['uuid']}").status_code == 200

    stack.write({"bp": blueprint, "db": ("Database", {"name": name})}, outputs)
    assert not stack.up().ops.get("db"), "taking it out is no change"
    stack.destroy()


def test_a_recreated_blueprint_does_not_replace_the_database(stack: Stack, api: httpx.Client) -> None:
    blueprint = ("Blueprint", {"name": unique("again"), "sqlContent": ONE})
    db = ("Database", {"name": unique("again"), "blueprintUuid": "${bp.uuid}"})
    stack.write({"bp": blueprint, "db": db}, {"bp": "${bp.uuid}", "db": "${db.uuid}"})
    stack.up()
    made = stack.outputs()
    api.delete(f"/blueprints/{made['bp']}").raise_for_status()
    again = stack.up("--refresh", previewed=True)
    assert "create" in again.ops["bp"]
    assert "was deleted. The new value is recorded and not applied" in again.diagnostics
    after = stack.outputs()
    assert (after["bp"] != made["bp"], after["db"]) == (True, made["db"])
    assert stack.resource("db")["outputs"]["blueprintUuid"] == after["bp"]
    stack.assert_no_changes()
    # A wish for another blueprint, while the old one is there, is refused as ever.
    other = ("Blueprint", {"name": unique("other"), "sqlContent": TWO})
    wished = ("Database", {**db[1], "blueprintUuid": "${other.uuid}"})
    stack.write({"bp": blueprint, "other": other, "db": wished})
    assert "acts only when the object is created" in stack.up(ok=False).output
    stack.destroy()
