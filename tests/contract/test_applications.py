"""Blueprint applications: one transaction in the tenant's database, dry runs, logs, exactly once over kill -9."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support import server_admin
from support.control_plane import OTHER_KEY, ControlPlane, create_database, delete_all, new_key, wait_until

SQL = "CREATE TABLE IF NOT EXISTS log (who text NOT NULL); INSERT INTO log VALUES ({{who}});"


def blueprint(api: httpx.Client, sql: str = SQL) -> str:
    body = {"name": "log", "sql_content": sql, "variables": {"who": "nobody"}}
    reply = api.post("/blueprints", json=body, headers=new_key())
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]["uuid"]


def apply(api: httpx.Client, database: str, uuid: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
    path = f"/databases/{database}/blueprint_applications"
    reply = api.post(path, json={"blueprint_uuid": uuid, **body}, headers=new_key())
    assert reply.status_code == status, reply.text
    return reply.json().get("data") or reply.json()["error"]


def rows(database: dict[str, Any]) -> list[str]:
    with psycopg.connect(database["connection_string"]) as connection:
        if connection.execute("SELECT to_regclass('public.log')").fetchone() == (None,):
            return []
        return [row[0] for row in connection.execute("SELECT who FROM log ORDER BY who")]


@pytest.mark.facts("C18", "C25")
def test_an_application_runs_as_the_tenant(api: httpx.Client) -> None:
    database, uuid = create_database(api), blueprint(api)
    done = apply(api, database["uuid"], uuid, variables={"who": "O'Neil; DROP TABLE log;--"})
    assert (done["status"], done["blueprint_version"], done["is_dry_run"]) == ("completed", 1, False)
    assert (done["statements_total"], done["statements_succeeded"], done["statements_failed"]) == (2, 2, 0)
    assert [entry["status"] for entry in done["execution_log"]] == ["succeeded", "succeeded"]
    assert done["execution_log"][1]["rows_affected"] == 1
    assert api.get(f"/blueprint_applications/{done['id']}").json()["data"] == done
    assert rows(database) == ["O'Neil; DROP TABLE log;--"]
    with psycopg.connect(database["connection_string"]) as connection:
        owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'log'").fetchone()
        assert owner == (database["db_username"],)


@pytest.mark.facts("S23")
def test_a_dry_run_keeps_nothing(api: httpx.Client) -> None:
    database = create_database(api)
    done = apply(api, database["uuid"], blueprint(api), dry_run=True)
    assert (done["status"], done["is_dry_run"], done["statements_succeeded"]) == ("completed", True, 2)
    assert rows(database) == []
    failed = apply(api, database["uuid"], blueprint(api, SQL + " ALTER TABLE nope ADD a int;"), dry_run=True)
    assert (failed["status"], failed["statements_succeeded"], failed["statements_failed"]) == ("failed", 2, 1)


@pytest.mark.facts("S24", "C18")
@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("ALTER TABLE nope ADD a int;", "nope"),
        ("CREATE TABLE a (id int PRIMARY KEY); "
         "CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1);", "foreign key"),
    ],
)  # fmt: skip
def test_a_failure_rolls_all_of_it_back(api: httpx.Client, last: str, told: str) -> None:
    database = create_database(api)
    done = apply(api, database["uuid"], blueprint(api, SQL + last))
    assert done["status"] == "rolled_back"
    assert done["statements_failed"] == 1
    assert told in done["error_message"]
    assert rows(database) == []


def test_the_tenants_rights_are_its_limit(api: httpx.Client) -> None:
    database = create_database(api)
    # The dry run would refuse it too, so it hides from that.
    escape = "EXECUTE format('ALTER ROLE %I SUPERUSER', current_user)"
    hidden = f"DO $$ BEGIN IF current_user <> 'polykomos_scratch' THEN {escape}; END IF; END $$;"
    done = apply(api, database["uuid"], blueprint(api, SQL + hidden))
    assert done["status"] == "rolled_back"
    assert "superuser" in done["error_message"]
    assert rows(database) == []


def test_a_connection_that_breaks_at_the_commit(api: httpx.Client) -> None:
    """The last thing before COMMIT is done fires deferred triggers; this one leaves its work for the COMMIT itself."""
    database = create_database(api)
    body = """DECLARE quick boolean := current_user = 'polykomos_scratch'; BEGIN
        IF NEW.who = 'last' THEN PERFORM pg_terminate_backend(pg_backend_pid()) WHERE NOT quick; RETURN NULL; END IF;
        SET CONSTRAINTS ALL DEFERRED; INSERT INTO log VALUES ('last'); RETURN NULL; END"""
    trigger = (
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $${body}$$; CREATE CONSTRAINT TRIGGER t AFTER INSERT"
        " ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();"
    )
    create, insert = SQL.split(";", 1)
    done = apply(api, database["uuid"], blueprint(api, create + ";" + trigger + insert))
    assert (done["status"], done["statements_succeeded"]) == ("rolled_back", 4)
    assert "terminat" in done["error_message"]
    assert rows(database) == []


@pytest.mark.facts("C18")
def test_a_connection_that_the_server_refuses(api: httpx.Client) -> None:
    database = create_database(api)
    quotas = f"/databases/{database['uuid']}/quotas"
    limited = api.patch(quotas, json={"connection_hard_limit": 1}, headers=new_key())
    assert limited.status_code == 200, limited.text
    with psycopg.connect(database["connection_string"]):
        done = apply(api, database["uuid"], blueprint(api))
    assert done["status"] == "failed"
    assert "too many connections" in done["error_message"]
    api.patch(quotas, json={"connection_hard_limit": 5}, headers=new_key()).raise_for_status()
    assert rows(database) == []


@pytest.mark.facts("S19", "S34")
def test_what_cannot_be_applied(api: httpx.Client, control_plane: ControlPlane) -> None:
    database, uuid = create_database(api), blueprint(api)
    missing = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
    assert apply(api, database["uuid"], missing, status=404)["details"] == {"resource": "blueprint"}
    assert apply(api, missing, uuid, status=404)["details"] == {"resource": "database"}
    wrong = apply(api, database["uuid"], uuid, status=422, variables={"else": 1})
    assert wrong["details"]["field"] == "variables"
    assert "else" in wrong["message"]
    with control_plane.client(OTHER_KEY) as other:
        assert apply(other, database["uuid"], uuid, status=404)
        assert other.get("/blueprint_applications/1").status_code == 404
    api.delete(f"/blueprints/{uuid}")
    assert apply(api, database["uuid"], uuid, status=404)
    assert rows(database) == []


@pytest.mark.facts("C18", "C25")
def test_one_that_outlasts_the_wait_goes_on(api: httpx.Client) -> None:
    database = create_database(api)
    slow = blueprint(api, SQL + " SELECT pg_sleep(2);")
    running = apply(api, database["uuid"], slow, status=202, timeout=1)
    assert running["status"] in ("pending", "running")
    path = f"/blueprint_applications/{running['id']}"
    wait_until(lambda: api.get(path).json()["data"]["status"] == "completed")
    assert rows(database) == ["nobody"]
    assert apply(api, database["uuid"], slow, status=202, wait=False)["statements_total"] == 3


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_that_makes_what_another_one_makes_meanwhile(
    api: httpx.Client, control_plane: ControlPlane, dry_run: bool
) -> None:
    """PostgreSQL lets the second CREATE TABLE IF NOT EXISTS fail by a duplicate key of its own catalog."""
    database = create_database(api)
    slow = blueprint(api, SQL + " SELECT pg_sleep(CASE current_database() WHEN 'polykomos_scratch' THEN 0 ELSE 3 END)")
    apply(api, database["uuid"], slow, status=202, wait=False)
    wait_until(lambda: sleeping(control_plane))
    done = apply(api, database["uuid"], blueprint(api), dry_run=dry_run)
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert [entry["status"] for entry in done["execution_log"]] == ["succeeded", "succeeded"]
    assert rows(database) == ["nobody"] * (1 if dry_run else 2)


@pytest.mark.facts("C2")
def test_a_blueprint_at_creation(api: httpx.Client) -> None:
    born = create_database(api, "born", blueprint_uuid=blueprint(api), blueprint_variables={"who": "me"})
    assert rows(born) == ["me"]
    reply = api.post(
        "/databases",
        json={"name": "x", "blueprint_uuid": "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"},
        headers=new_key(),
    )
    assert (reply.status_code, reply.json()["error"]["details"]["field"]) == (422, "blueprint_uuid")


def test_a_creation_that_is_deleted_ends_its_application() -> None:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--provision-delay", "60") as plane:
        api = plane.client()
        body = {"name": "unborn", "blueprint_uuid": blueprint(api)}
        unborn = api.post("/databases", json=body, headers=new_key()).json()["data"]
        assert api.get("/blueprint_applications/1").json()["data"]["status"] == "pending"
        assert api.delete(f"/databases/{unborn['uuid']}", headers=new_key()).status_code == 200
        wait_until(lambda: api.get("/blueprint_applications/1").json()["data"]["status"] == "failed")
        assert "deleted" in api.get("/blueprint_applications/1").json()["data"]["error_message"]


@pytest.fixture
def persistent(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


def test_kill_9_in_the_middle_runs_it_exactly_once(persistent: ControlPlane) -> None:
    with persistent.client() as api:
        database = create_database(api)
        slow = blueprint(api, SQL + " SELECT pg_sleep(1.5);")
        number = apply(api, database["uuid"], slow, status=202, wait=False)["id"]
        path = f"/blueprint_applications/{number}"
        wait_until(lambda: api.get(path).json()["data"]["status"] == "running")
        time.sleep(0.3)
    persistent.kill()
    persistent.start()
    with persistent.client() as api:
        wait_until(lambda: api.get(path).json()["data"]["status"] == "completed")
        assert rows(api.get(f"/databases/{database['uuid']}").json()["data"]) == ["nobody"]


def test_one_that_was_committed_before_the_crash_is_not_run_again(persistent: ControlPlane) -> None:
    """The moment between the tenant's COMMIT and our own record of it, made by hand in the control plane's tables."""
    with persistent.client() as api:
        database = create_database(api)
        number = apply(api, database["uuid"], blueprint(api))["id"]
    persistent.stop()
    persistent.start()
    with persistent.client() as api:
        with server_admin.connect(persistent) as connection:
            connection.execute(
                "UPDATE blueprint_applications SET status = 'running', owner = -1, completed_at = NULL WHERE id = %s",
                (number,),
            )
        path = f"/blueprint_applications/{number}"
        wait_until(lambda: api.get(path).json()["data"]["status"] == "completed")
        assert rows(database) == ["nobody"]
        with server_admin.connect(persistent) as connection:
            connection.execute(
                "UPDATE blueprint_applications SET status = 'running', owner = -1, xid = NULL WHERE id = %s", (number,)
            )
        wait_until(lambda: rows(database) == ["nobody", "nobody"])


@pytest.mark.facts("S19", "S22", "S27")
def test_an_application_remains_readable_after_its_blueprint_is_deleted(api: httpx.Client) -> None:
    database, uuid = create_database(api), blueprint(api)
    done = apply(api, database["uuid"], uuid)
    assert isinstance(done["blueprint_id"], int)
    assert isinstance(done["database_instance_id"], int)
    keys = {"index", "sql_preview", "status", "rows_affected", "duration_ms", "error"}
    assert [entry.keys() for entry in done["execution_log"]] == [keys, keys]
    assert api.delete(f"/blueprints/{uuid}").status_code == 200
    assert api.get(f"/blueprint_applications/{done['id']}").json()["data"] == done


@pytest.mark.parametrize("at_creation", [False, True])
def test_long_ones_of_one_user_keep_no_other_user_waiting(
    api: httpx.Client, control_plane: ControlPlane, at_creation: bool
) -> None:
    """More of them than are run at the same time."""
    slow = blueprint(api, "SELECT pg_sleep(CASE current_database() WHEN 'polykomos_scratch' THEN 0 ELSE 20 END)")
    numbers: list[int] = []
    mine = [create_database(api, "slow")["uuid"] for _ in range(3)]
    if at_creation:
        body = {"name": "slow", "blueprint_uuid": slow}
        mine += [
            api.post("/databases", params={"wait": "false"}, json=body, headers=new_key()).json()["data"]["uuid"]
            for _ in range(14)
        ]
        wait_until(lambda: "sleeping" if sleeping(control_plane) >= 6 else None)
    else:
        numbers = [apply(api, mine[n % 3], slow, status=202, wait=False)["id"] for n in range(14)]
    with control_plane.client(OTHER_KEY) as other:
        quick = blueprint(other)
        if at_creation:
            made = create_database(other, "quick", blueprint_uuid=quick)
        else:
            made = create_database(other, "quick")
            assert apply(other, made["uuid"], quick)["status"] == "completed"
        # Somewhat more sleep if a process lost its lease: it takes its work over while its earlier attempts end.
        assert 6 <= sleeping(control_plane) < 12, "it was to be done while the slow ones run"
        delete_all(other, [made["uuid"]])
    delete_all(api, mine)  # ends those that run
    for number in numbers:
        path = f"/blueprint_applications/{number}"
        wait_until(lambda path=path: api.get(path).json()["data"]["completed_at"])


def sleeping(control_plane: ControlPlane) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^MOVE' AND wait_event = 'PgSleep'"
    with server_admin.connect(control_plane) as conn:
        row = conn.execute(query).fetchone()
        return int(row[0]) if row else 0
