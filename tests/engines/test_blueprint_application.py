"""An application's life on the real Pulumi CLI: an event that is replaced, never changed."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import new_key
from support.pulumi import Stack

SQL = "CREATE TABLE IF NOT EXISTS log (who text, at int); INSERT INTO log VALUES ({{who}}, 1);"


def program(
    sql: str = SQL, *, pin: Any = "${bp.version}", variables: Any = None, **db: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A blueprint, a database and the application of one to the other."""
    app: dict[str, Any] = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}
    if pin is not None:
        app["blueprintVersion"] = pin
    if variables is not None:
        app["variables"] = variables
    resources = {
        "bp": ("Blueprint", {"name": "app-log", "sqlContent": sql, "variables": {"who": {"default": "nobody"}}}),
        "db": ("Database", {"name": "app-log", **db}),
        "app": ("BlueprintApplication", app),
    }
    outputs = {"url": "${db.connectionString}", "status": "${app.status}", "done": "${app.statementsSucceeded}",
               "version": "${app.blueprintVersion}", "db": "${db.uuid}", "bp": "${bp.uuid}"}  # fmt: skip
    return resources, outputs


def log_of(stack: Stack) -> list[str]:
    with psycopg.connect(stack.outputs()["url"]) as connection:
        return [row[0] for row in connection.execute("SELECT who FROM log ORDER BY who")]


def test_versions_and_variables_make_new_applications(stack: Stack) -> None:
    stack.write(*program())
    assert stack.preview().ops == {"bp": "create", "db": "create", "app": "create"}
    stack.up()
    assert {k: stack.outputs()[k] for k in ("status", "done", "version")} == {
        "status": "completed", "done": 2, "version": 1,
    }  # fmt: skip
    assert log_of(stack) == ["nobody"]
    stack.assert_no_changes()
    stack.refresh("--expect-no-changes")
    first = stack.resource("app")["id"]

    stack.write(*program(variables={"who": "somebody"}))
    planned = stack.preview()
    assert planned.replaces == {"app": ["variables"]}
    assert any("2 statements" in row for row in planned.rows), "the dry run reports"
    assert log_of(stack) == ["nobody"], "a preview runs nothing for good"
    told = stack.up()
    assert log_of(stack) == ["nobody", "somebody"]
    assert "SQL" in told.output, "deleting the old one says that it only forgets"
    assert stack.resource("app")["id"] != first

    changed = SQL + " INSERT INTO log VALUES ('second', 2);"
    stack.write(*program(changed, variables={"who": "somebody"}))
    planned = stack.preview()
    assert planned.ops["bp"] == "update"
    assert planned.replaces == {"app": ["blueprintVersion"]}
    stack.up()
    assert stack.outputs()["version"] == 2
    assert log_of(stack) == ["nobody", "second", "somebody", "somebody"]
    stack.assert_no_changes()
    stack.destroy()


def test_a_tracked_version_follows_the_blueprint(stack: Stack, api: httpx.Client) -> None:
    stack.write(*program(pin=None))
    stack.up()
    stack.assert_no_changes()
    sql = SQL + " INSERT INTO log VALUES ('tracked', 2);"
    api.patch(f"/blueprints/{stack.outputs()['bp']}", json={"sql_content": sql}).raise_for_status()
    stack.write(*program(sql, pin=None))
    stack.refresh()
    assert stack.preview().replaces == {"app": ["blueprintVersion"]}
    stack.up()
    assert "tracked" in log_of(stack)

    # Changed by the program itself: what is going to be applied cannot be tried yet, and what is applied already (which
    # would fail a second time) need not.
    once = "CREATE TABLE other (at int);"
    stack.write(*program(sql + once, pin=None))
    stack.up()
    stack.write(*program(sql, pin=None))
    planned = stack.preview()
    assert planned.ops["bp"] == "update"
    assert planned.replaces == {"app": ["blueprintVersion"]}
    stack.up()
    stack.assert_no_changes()
    stack.assert_no_changes()
    stack.destroy()


def test_a_pinned_version_holds(stack: Stack) -> None:
    stack.write(*program(pin=1))
    stack.up()
    stack.write(*program(SQL + " SELECT 1;", pin=1))
    assert stack.up().ops == {"bp": "update"}, "the application stays at version 1"
    stack.write(*program(SQL + " SELECT 1;", pin=1, variables={"who": "late"}))
    refused = stack.preview(ok=False)
    assert "blueprintVersion" in refused.output
    assert "2" in refused.output
    assert log_of(stack) == ["nobody"]
    stack.destroy()


def test_sql_that_fails_is_told_in_preview_and_keeps_nothing(stack: Stack) -> None:
    resources, outputs = program()
    stack.write({k: resources[k] for k in ("bp", "db")}, {"url": outputs["url"]})
    stack.up()
    with psycopg.connect(stack.outputs()["url"], autocommit=True) as connection:
        connection.execute("CREATE VIEW log AS SELECT 'taken'::text AS who, 1 AS at")
    stack.write(resources, outputs)
    for failed in (stack.preview(ok=False), stack.up(ok=False)):
        assert "log" in failed.output
        assert "statement 2" in failed.output
    assert not [r for r in stack.state()["deployment"]["resources"] if r["urn"].endswith("::app")]
    with psycopg.connect(stack.outputs()["url"], autocommit=True) as connection:
        connection.execute("DROP VIEW log")
    stack.up()
    assert log_of(stack) == ["nobody"]
    stack.destroy()


def test_a_new_database_gets_a_new_application(stack: Stack) -> None:
    stack.write(*program())
    stack.up()
    stack.write(*program(region="eu-west-1"))
    assert set(stack.preview().replaces) == {"db", "app"}
    stack.up()
    assert log_of(stack) == ["nobody"]
    stack.assert_no_changes()
    stack.destroy()


def test_import_by_its_composite_id(stack: Stack, api: httpx.Client) -> None:
    resources, _ = program()
    stack.write({k: resources[k] for k in ("bp", "db")}, {"db": "${db.uuid}", "bp": "${bp.uuid}"})
    stack.up()
    made = stack.outputs()
    reply = api.post(
        f"/databases/{made['db']}/blueprint_applications",
        json={"blueprint_uuid": made["bp"], "variables": {"who": "hand"}},
        headers=new_key(),
    )
    number = reply.json()["data"]["id"]
    refused = stack.import_("BlueprintApplication", "app", str(number), ok=False)
    assert "<database uuid>/<blueprint uuid>/" in refused.output
    stack.import_("BlueprintApplication", "app", f"{made['db']}/{made['bp']}/{number}")
    stack.write(*program(variables={"who": "hand"}))
    stack.assert_no_changes()
    stack.destroy()


@pytest.mark.parametrize("bad", ["not-a-uuid", "7"])
def test_a_failed_check_names_property_and_rule(stack: Stack, bad: str) -> None:
    stack.write({"app": ("BlueprintApplication", {"databaseUuid": bad, "blueprintUuid": bad})})
    failed = stack.preview(ok=False)
    assert "databaseUuid" in failed.output
    assert "UUID" in failed.output
