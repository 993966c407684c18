"""State on demand: set aside and brought back, begun anew, a deleted database given back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pymysql
import pytest

from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import error_of


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("snapshots") / "data"
    with ControlPlane("--data-dir", str(directory), "--rate-limit", "0", "--pool-size", "1") as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.admin() as admin:
        yield admin
        admin.post("/reset").raise_for_status()
        for each in admin.get("/snapshots").json():
            admin.delete(f"/snapshots/{each['name']}").raise_for_status()


def run(database: dict[str, Any], sql: str) -> Any:
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        cursor = conn.execute(sql)
        return cursor.fetchall() if cursor.description else None


def seen(client: httpx.Client) -> dict[str, Any]:
    """All that the API shows of the state."""
    found = {path: client.get(path).json()["data"] for path in ("/databases", "/blueprints", "/webhook_endpoints")}
    found["whole"] = [client.get(f"/databases/{each['uuid']}").json()["data"] for each in found["/databases"]]
    return found


def delete(client: httpx.Client, database: dict[str, Any]) -> None:
    assert client.delete(f"/databases/{database['uuid']}", headers=new_key()).status_code == 200


def test_everything_is_as_it_was(admin: httpx.Client, client: httpx.Client, plane: ControlPlane) -> None:
    kept, lost, gone = (create_database(client, name) for name in ("kept", "lost", "gone"))
    for database in (kept, lost, gone):
        run(database, "CREATE TABLE t (n serial PRIMARY KEY, x text); INSERT INTO t (x) VALUES ('before')")
    delete(client, gone)
    blueprint = {"name": "b", "sql_content": "SELECT 1"}
    made = client.post("/blueprints", json=blueprint, headers=new_key()).json()["data"]
    header = new_key()
    replayed = client.post("/databases", json={"name": "replayed"}, params={"wait": "true"}, headers=header).json()
    before = seen(client)
    assert [each["name"] for each in admin.post("/snapshots", json={"name": "one"}).json()] == ["one"]

    run(kept, "INSERT INTO t (x) VALUES ('after')")
    delete(client, lost)
    client.delete(f"/blueprints/{made['uuid']}")
    newer = create_database(client, "newer")
    client.patch(f"/databases/{kept['uuid']}", json={"name": "renamed"}, headers=new_key())
    assert seen(client) != before

    for _ in range(2):  # a snapshot can be brought back again, and after a restart
        assert admin.post("/snapshots/one/restore").status_code == 200
        assert seen(client) == before
        assert run(kept, "SELECT x FROM t") == [("before",)]
        assert run(lost, "INSERT INTO t (x) VALUES ('again') RETURNING n") == [(2,)], "it still owns its tables"
        with pytest.raises(psycopg.OperationalError):
            run(newer, "SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            run(gone, "SELECT 1")
        again = client.post("/databases", json={"name": "replayed"}, params={"wait": "true"}, headers=header).json()
        assert again["idempotency_replay"] is True
        assert again["data"]["uuid"] == replayed["data"]["uuid"]
        create_database(client, "newer")
        plane.restart()
    assert admin.post(f"/databases/{gone['uuid']}/restore").status_code == 200
    assert run(gone, "SELECT x FROM t") == [("before",)]


def test_begun_anew(admin: httpx.Client, client: httpx.Client) -> None:
    database = create_database(client, "wiped")
    body = {"name": "wiped", "sql_content": "SELECT 1"}
    client.post("/blueprints", json=body, headers=new_key()).raise_for_status()
    client.post("/webhook_endpoints", json={"url": "https://example.com/x"}, headers=new_key()).raise_for_status()
    admin.post("/clock/advance", json={"seconds": 86400})
    admin.post("/faults", json={"effect": "status", "status": 500, "operation": "createBlueprint"})
    assert admin.post("/reset").status_code == 200
    found = seen(client)
    assert (found["/databases"], found["/webhook_endpoints"]) == ([], [])
    assert all(each["is_system_blueprint"] for each in found["/blueprints"])
    assert admin.get("/faults").json() == []
    assert admin.get("/clock").json()["offset_seconds"] == 0
    with pytest.raises(psycopg.OperationalError):
        run(database, "SELECT 1")
    create_database(client, "wiped")


@pytest.mark.facts("S4")
def test_a_reset_gives_way_to_a_transaction_that_waits_for_it(admin: httpx.Client, plane: ControlPlane) -> None:
    """Else one of the two ends with a deadlock: a reset with a 500, or a request or a worker with an error."""
    with server_admin.connect(plane) as conn, ThreadPoolExecutor(1) as aside:
        conn.execute("BEGIN")
        conn.execute("UPDATE webhook_endpoints SET url = url WHERE false")
        reset = aside.submit(admin.post, "/reset")
        wait_until(
            lambda: conn.execute(
                "SELECT 1 FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock'"
                " AND relation = 'api_keys'::regclass"
            ).fetchall()
        )
        conn.execute("UPDATE api_keys SET name = name WHERE false")
        conn.execute("COMMIT")
        assert reset.result().status_code == 200


def test_a_deleted_database_is_given_back_until_it_is_destroyed(
    admin: httpx.Client, client: httpx.Client, plane: ControlPlane
) -> None:
    database = create_database(client, "second-thoughts")
    run(database, "CREATE TABLE t AS SELECT 1 AS n")
    error_of(admin.post(f"/databases/{database['uuid']}/restore"), 422, "not_restorable")
    delete(client, database)
    restored = admin.post(f"/databases/{database['uuid']}/restore").json()
    assert (restored["status"], restored["name"]) == ("active", "second-thoughts")
    assert "db_password" not in restored
    assert client.get(f"/databases/{database['uuid']}").json()["data"]["db_password"] == database["db_password"]
    assert run(database, "SELECT n FROM t") == [(1,)]
    plane.advance(86401)
    assert run(database, "SELECT n FROM t") == [(1,)], "no longer due for destruction"
    delete(client, database)
    plane.advance(86401)
    wait_until(lambda: admin.post(f"/databases/{database['uuid']}/restore").status_code == 422)
    for absent in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        error_of(admin.post(f"/databases/{absent}/restore"), 404, "not_found")


def test_a_database_whose_tenant_dropped_public_comes_back_without_it(
    admin: httpx.Client, client: httpx.Client
) -> None:
    database = create_database(client, "bare")
    run(database, "CREATE SCHEMA own; CREATE TABLE own.t (i int); DROP SCHEMA public")
    admin.post("/snapshots", json={"name": "bare"}).raise_for_status()
    admin.post("/snapshots/bare/restore").raise_for_status()
    assert run(database, "SELECT nspname FROM pg_namespace WHERE nspname IN ('own', 'public')") == [("own",)]
    run(database, "INSERT INTO own.t VALUES (1)")


def test_tenants_cannot_reach_a_snapshot(admin: httpx.Client, client: httpx.Client) -> None:
    database = create_database(client, "curious")
    admin.post("/snapshots", json={"name": "private"}).raise_for_status()
    run(database, "SELECT 1")
    copies = run(database, "SELECT datname FROM pg_database WHERE datname LIKE 'snapshot%'")
    assert copies
    for (name,) in copies:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database["connection_string"], dbname=name)


def test_wrong_names(admin: httpx.Client) -> None:
    admin.post("/snapshots", json={"name": "taken"}).raise_for_status()
    for name in ("taken", "", "a/b", "x" * 101):
        assert error_of(admin.post("/snapshots", json={"name": name}), 422, "invalid_field")["field"] == "name"
    error_of(admin.post("/snapshots/absent/restore"), 404, "not_found")
    error_of(admin.delete("/snapshots/absent"), 404, "not_found")
    assert admin.delete("/snapshots/taken").json() == {"removed": 1}


def test_a_restore_does_not_lose_what_waits_to_be_done(
    admin: httpx.Client, client: httpx.Client, tmp_path: Path
) -> None:
    admin.patch("/provisioning", json={"delay_seconds": 60, "pool_size": 0}).raise_for_status()
    waiting = client.post("/databases", json={"name": "waiting"}, headers=new_key()).json()["data"]
    admin.post("/snapshots", json={"name": "meanwhile"}).raise_for_status()
    admin.post("/reset").raise_for_status()
    assert client.get(f"/databases/{waiting['uuid']}").status_code == 404
    admin.post("/snapshots/meanwhile/restore").raise_for_status()
    admin.post("/clock/advance", json={"seconds": 61}).raise_for_status()
    wait_until(lambda: client.get(f"/databases/{waiting['uuid']}").json()["data"]["status"] == "active")


def test_a_mysql_database_is_as_it_was(admin: httpx.Client, client: httpx.Client, plane: ControlPlane) -> None:
    kept, lost, gone = (create_database(client, f"my-{name}", db_type="mysql") for name in ("kept", "lost", "gone"))
    for made in (kept, lost, gone):
        for statement in (
            "CREATE TABLE t (n int AUTO_INCREMENT PRIMARY KEY, x text)",
            "CREATE TABLE of_t (n int, FOREIGN KEY (n) REFERENCES t (n))",
            "CREATE TRIGGER shout BEFORE INSERT ON t FOR EACH ROW SET NEW.x = upper(NEW.x)",
            "CREATE VIEW v AS SELECT x FROM t",
            "CREATE SEQUENCE s",
            "INSERT INTO t (x) VALUES ('before')",
            "INSERT INTO of_t VALUES (1)",
        ):
            mysql.once(made, statement)
    first = mysql.once(kept, "SELECT nextval(s)")[0][0]
    delete(client, gone)
    before = seen(client)
    admin.post("/snapshots", json={"name": "mine"}).raise_for_status()

    mysql.once(kept, "INSERT INTO t (x) VALUES ('after')")
    mysql.once(kept, "DROP VIEW v")
    delete(client, lost)
    newer = create_database(client, "my-newer", db_type="mysql")
    for _ in range(2):
        restored = admin.post("/snapshots/mine/restore")
        assert restored.status_code == 200, restored.text
        assert seen(client) == before
        assert mysql.once(kept, "SELECT x FROM v") == [("BEFORE",)]
        mysql.once(lost, "INSERT INTO t (x) VALUES ('again')")
        assert mysql.once(lost, "SELECT n, x FROM t ORDER BY n") == [(1, "BEFORE"), (2, "AGAIN")]
        assert mysql.once(kept, "SELECT nextval(s)")[0][0] > first
        with pytest.raises(pymysql.err.IntegrityError):
            mysql.once(lost, "DELETE FROM t WHERE n = 1")
        for nobody in (newer, gone):
            with pytest.raises(pymysql.err.OperationalError):
                mysql.connect(nobody)
        plane.restart()
    assert admin.post(f"/databases/{gone['uuid']}/restore").status_code == 200
    assert mysql.once(gone, "SELECT x FROM v") == [("BEFORE",)]
    assert admin.post("/reset").status_code == 200
    with pytest.raises(pymysql.err.OperationalError):
        mysql.connect(kept)
    create_database(client, "my-kept", db_type="mysql")
    admin.delete("/snapshots/mine").raise_for_status()
