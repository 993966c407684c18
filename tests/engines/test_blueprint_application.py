"""An application's life on the real Pulumi CLI: an event that is replaced, never changed."""

from __future__ import annotations

import signal
import time
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import new_key, wait_until
from support.process_kill import start_up
from support.pulumi import Stack

SQL = "CREATE TABLE IF NOT EXISTS log (who text, at int); INSERT INTO log VALUES ({{who}}, 1);"


def program(
    sql: str = SQL, *, pin: Any = "${bp.version}", variables: Any = None, default: str = "nobody", **db: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A blueprint, a database and the application of one to the other."""
    app: dict[str, Any] = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}"}
    if pin is not None:
        app["blueprintVersion"] = pin
    if variables is not None:
        app["variables"] = variables
    resources = {
        "bp": ("Blueprint", {"name": "app-log", "sqlContent": sql, "variables": {"who": {"default": default}}}),
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

    stack.write(*program())
    stack.up()
    assert log_of(stack) == ["nobody", "nobody", "somebody"], (
        "the first one was replaced, so there and back is a change"
    )
    assert stack.resource("app")["id"] != first

    changed = SQL + " INSERT INTO log VALUES ('second', 2);"
    stack.write(*program(changed, variables={"who": "somebody"}))
    planned = stack.preview()
    assert planned.ops["bp"] == "update"
    assert planned.replaces == {"app": ["blueprintVersion", "variables"]}
    stack.up()
    assert stack.outputs()["version"] == 2
    assert log_of(stack) == ["nobody", "nobody", "second", "somebody", "somebody"]
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
    resources, outputs = program(sql, pin=None)
    stack.write({**resources, "app": (*resources["app"], {"ignoreChanges": ["blueprintVersion"]})}, outputs)
    stack.assert_no_changes()
    stack.write(resources, outputs)
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


def test_failing_sql_is_reported_in_preview_and_leaves_nothing(stack: Stack) -> None:
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


def test_another_blueprint_or_a_database_that_is_gone_makes_a_new_application(stack: Stack, api: httpx.Client) -> None:
    resources, outputs = program()
    other = ("Blueprint", {"name": "app-log-too", "sqlContent": "CREATE TABLE other (n int);"})
    stack.write({**resources, "other": other}, outputs)
    stack.up(previewed=True)
    app = {**resources["app"][1], "blueprintUuid": "${other.uuid}", "blueprintVersion": "${other.version}"}
    stack.write({**resources, "other": other, "app": ("BlueprintApplication", app)}, outputs)
    assert stack.up(previewed=True).replaces == {"app": ["blueprintUuid"]}
    with psycopg.connect(stack.outputs()["url"]) as connection:
        assert connection.execute("SELECT count(*) FROM other").fetchone() == (0,)

    stack.write(resources, outputs)
    stack.up()
    api.delete(f"/databases/{stack.outputs()['db']}", headers=new_key()).raise_for_status()
    again = stack.up("--refresh", previewed=True)
    assert "create" in again.ops["db"]
    assert set(again.replaces) == {"app"}
    assert log_of(stack) == ["nobody"]
    stack.assert_no_changes()
    stack.destroy()


HUSH = "hunter2-s3cret"


def test_a_secret_variable_is_in_no_error_and_no_plain_state(stack: Stack) -> None:
    """PostgreSQL repeats in its error what it could not read, and the API passes that on."""
    sql = "CREATE TABLE IF NOT EXISTS log (who text, at int); {sleep} INSERT INTO log VALUES ('x', {{{{who}}}}::int);"
    given: dict[str, Any] = {"variables": {"who": {"fn::secret": HUSH}}, "default": "1"}
    resources, outputs = program(sql.format(sleep=""), **given)
    stack.write({k: resources[k] for k in ("bp", "db")}, {"url": outputs["url"]})
    stack.up()
    stack.write(resources)
    for failed in (stack.preview(ok=False), stack.up(ok=False)):
        assert 'invalid input syntax for type integer: "[secret]"' in failed.output
        assert HUSH not in failed.output
    # One that outlives its time-out and fails then is kept, with its error.
    resources, _ = program(sql.format(sleep="SELECT pg_sleep(4);"), **given)
    resources["app"] = (*resources["app"], {"customTimeouts": {"create": "1s"}})
    stack.write(resources)
    late = stack.up(ok=False)
    assert "is still running" in late.output
    assert "Run it again, which resumes the wait" in late.output
    assert HUSH not in stack.up(ok=False).output
    kept = stack.state()
    assert HUSH not in str(kept)
    (app,) = [each for each in kept["deployment"]["resources"] if each["urn"].endswith("::app")]
    assert app["outputs"]["status"] == "rolled_back"
    assert app["outputs"]["errorMessage"] == 'invalid input syntax for type integer: "(value)"'
    stack.destroy()


def test_a_preview_waits_for_the_dry_runs_end_and_can_be_stopped(stack: Stack) -> None:
    sql = "SELECT pg_sleep({{who}}::int); SELECT 1 / ({{who}}::int - 3);"
    resources, outputs = program(sql, default="0", variables={"who": "3"})
    stack.write({k: resources[k] for k in ("bp", "db")}, {"url": outputs["url"]})
    stack.up()
    stack.write(resources)
    failed = stack.preview(ok=False)
    assert "the dry run failed at statement 2: division by zero" in failed.output

    resources, _ = program(sql, default="0", variables={"who": "60"})
    stack.write(resources)
    process = start_up(stack, command="preview")
    assert process.stdout is not None
    wait_until(lambda: "dry run, " in process.stdout.readline(), seconds=60, every=0)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=180)
    assert time.monotonic() - began < 30, "not when the API has answered"
    stack.destroy()
