"""What a MySQL tenant meets on the server itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest

from support.control_plane import ControlPlane, create_database, delete_all, new_key
from support.mysql import ask, connect, once
from support.needs import require_mariadb
from support.operations import error_of


def create(api: httpx.Client, name: str, **body: Any) -> dict[str, Any]:
    return create_database(api, name, db_type="mysql", **body)


@pytest.fixture
def database(api: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create(api, "tenant-a", plan="launch")
    yield made
    delete_all(api, [made["uuid"]])


@pytest.fixture
def neighbour(api: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create(api, "tenant-b")
    once(made, "CREATE TABLE secrets (word varchar(20))")
    yield made
    delete_all(api, [made["uuid"]])


def test_mysql_is_in_the_catalog(api: httpx.Client) -> None:
    require_mariadb()
    types = {one["value"]: one for one in api.get("/database_types").json()["data"]}
    assert types["mysql"]["is_available"] is True
    assert types["mysql"]["label"] == "MySQL"
    assert all(region["is_available"] for region in types["mysql"]["regions"])


@pytest.mark.facts("S39")
def test_the_connection_string_opens_the_named_database(database: dict[str, Any]) -> None:
    found = once(database, "SELECT database(), substring_index(current_user(), '@', 1), @@port")
    assert found == [(database["db_name"], database["db_username"], database["port"])]
    assert database["db_type"] == "mysql"


def test_what_a_schema_needs_can_be_made(database: dict[str, Any]) -> None:
    with connect(database) as conn:
        for statement in (
            "CREATE TABLE a (id int PRIMARY KEY, word text)",
            "CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE)",
            "CREATE INDEX words ON a (word(10))",
            "ALTER TABLE a ADD COLUMN more int",
            "CREATE VIEW words AS SELECT word FROM a",
            "CREATE TEMPORARY TABLE t (i int)",
            "CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1",
            "CREATE TRIGGER doubled BEFORE INSERT ON a FOR EACH ROW SET NEW.more = 2 * NEW.id",
            "INSERT INTO a (id, word) VALUES (1, 'héllo 🐬')",
        ):
            ask(conn, statement)
        assert ask(conn, "SELECT word, more, one() FROM a") == [("héllo 🐬", 2, 1)]
        ask(conn, "DROP TABLE b, a")


def test_a_wrong_password_is_refused(database: dict[str, Any]) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        connect(database, password=database["db_password"][::-1])


@pytest.mark.parametrize("foreign", ["mysql", "sys", "performance_schema", "the neighbour's"])
def test_no_other_database_can_be_entered(database: dict[str, Any], neighbour: dict[str, Any], foreign: str) -> None:
    name = neighbour["db_name"] if foreign == "the neighbour's" else foreign
    with pytest.raises(pymysql.err.Error, match="denied"):
        connect(database, database=name)


def test_only_its_own_is_seen(database: dict[str, Any], neighbour: dict[str, Any]) -> None:
    with connect(neighbour), connect(database) as conn:
        assert ask(conn, "SHOW DATABASES") == [("information_schema",), (database["db_name"],)] or ask(
            conn, "SHOW DATABASES"
        ) == [(database["db_name"],), ("information_schema",)]
        assert {row[1] for row in ask(conn, "SHOW PROCESSLIST")} == {database["db_username"]}
        assert {row[0] for row in ask(conn, "SELECT USER FROM information_schema.PROCESSLIST")} == {
            database["db_username"]
        }
        assert ask(conn, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = 'secrets'") == []
        assert ask(conn, "SELECT @@local_infile") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER intruder",
        "CREATE DATABASE another",
        "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
        "SET GLOBAL max_user_connections = 0",
        "GRANT SELECT ON `{db_name}`.* TO PUBLIC",
        "GRANT ALL ON *.* TO CURRENT_USER()",
        "SELECT * FROM mysql.global_priv",
        "SELECT * FROM mysql.user",
        "SELECT * FROM `{neighbour}`.secrets",
        "INSERT INTO `{neighbour}`.secrets VALUES ('x')",
        "DROP DATABASE `{neighbour}`",
        "CREATE TABLE `{neighbour}`.mine (i int)",
        "SELECT 1 INTO OUTFILE '/tmp/out'",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE t",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t",
        "CREATE DEFINER=polykomos@127.0.0.1 VIEW v AS SELECT 1",
        "SHOW MASTER STATUS",
        "SHUTDOWN",
        "INSTALL SONAME 'ha_archive'",
        "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
    ],
)
def test_the_tenant_is_no_administrator(database: dict[str, Any], neighbour: dict[str, Any], statement: str) -> None:
    names = {"db_name": database["db_name"], "neighbour": neighbour["db_name"]}
    with connect(neighbour) as other, connect(database) as conn:
        ask(conn, "CREATE TABLE t (i text)")
        with pytest.raises(pymysql.err.Error) as failure:
            ask(conn, statement.format(**names))
        assert failure.value.args[0] != 1064, failure.value  # a syntax error proves nothing
        assert ask(other, "SELECT count(*) FROM secrets") == [(0,)]


def test_others_sessions_cannot_be_ended(database: dict[str, Any], neighbour: dict[str, Any]) -> None:
    with connect(neighbour) as other, connect(database) as conn:
        with contextlib.suppress(pymysql.err.Error):
            ask(conn, f"KILL USER {neighbour['db_username']}")
        with pytest.raises(pymysql.err.OperationalError):
            ask(conn, f"KILL {other.thread_id()}")
        assert ask(other, "SELECT 1") == [(1,)]


def test_a_table_stays_in_the_server_s_directory(database: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    once(database, f"CREATE TABLE elsewhere (i int) ENGINE=MyISAM DATA DIRECTORY='{tmp_path}'")
    assert list(tmp_path.iterdir()) == []


def test_load_file_shows_nothing(database: dict[str, Any]) -> None:
    assert once(database, "SELECT load_file('/etc/passwd')") == [(None,)]


def test_the_connection_limit_holds_and_follows_the_quota(api: httpx.Client, database: dict[str, Any]) -> None:
    def limit(value: int | None) -> None:
        path = f"/databases/{database['uuid']}/quotas"
        changed = api.patch(path, json={"connection_hard_limit": value}, headers=new_key())
        assert changed.status_code == 200

    limit(1)
    with connect(database):
        with pytest.raises(pymysql.err.OperationalError, match="max_user_connections"):
            connect(database)
        limit(2)
        connect(database).close()
        limit(None)
        granted = " ".join(row[0] for row in once(database, "SHOW GRANTS"))
    assert "MAX_USER_CONNECTIONS 50" in granted  # the plan's default


def test_a_quota_at_creation_is_set_on_the_user(api: httpx.Client) -> None:
    made = create(api, "limited", connection_hard_limit=1)
    try:
        with connect(made), pytest.raises(pymysql.err.OperationalError, match="max_user_connections"):
            connect(made)
    finally:
        delete_all(api, [made["uuid"]])


def test_a_limit_beyond_what_the_server_can_count_is_taken(api: httpx.Client) -> None:
    made = create(api, "unlimited", connection_hard_limit=2**31 - 1)
    connect(made).close()
    delete_all(api, [made["uuid"]])


def test_delete_ends_open_sessions_and_refuses_new_ones(api: httpx.Client) -> None:
    made = create(api, "short-lived")
    conn = connect(made)
    deleted = api.delete(f"/databases/{made['uuid']}", headers=new_key())
    assert deleted.json()["data"]["has_remote_resources"] is True
    with pytest.raises(pymysql.err.Error):
        ask(conn, "SELECT 1")
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        connect(made)


def test_equal_names_get_databases_of_their_own(api: httpx.Client) -> None:
    made = [create(api, "twin") for _ in range(3)]
    try:
        for database in made:
            once(database, "CREATE TABLE once (i int)")
        assert len({database["db_name"] for database in made}) == 3
    finally:
        delete_all(api, [database["uuid"] for database in made])


@pytest.mark.parametrize("name", ["mysql", "sys", "test", "0", "1e5", "a" + "-" * 62, "x" * 63])
def test_any_name_can_be_chosen(api: httpx.Client, name: str) -> None:
    made = create(api, name)
    try:
        assert made["name"] == name
        assert made["db_name"] not in ("mysql", "sys", "test")
        once(made, "CREATE TABLE here (i int)")
    finally:
        delete_all(api, [made["uuid"]])


def test_each_engine_has_names_of_its_own(api: httpx.Client) -> None:
    made = [create_database(api, "both", db_type=engine) for engine in ("postgres", "mysql")]
    assert {database["db_name"] for database in made} == {"both"}
    delete_all(api, [database["uuid"] for database in made])


def test_without_a_server_the_command_that_installs_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYKOMOS_MARIADB_BIN", str(tmp_path))
    install = "sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"
    with ControlPlane("--ephemeral", "--pool-size", "0") as plane, plane.client(event_hooks={}) as api:
        types = {one["value"]: one for one in api.get("/database_types").json()["data"]}
        assert (types["mysql"]["is_available"], types["postgres"]["is_available"]) == (False, True)
        reply = api.post("/databases", json={"name": "none", "db_type": "mysql"}, headers=new_key())
        details = error_of(reply, 422, "invalid_field")
        assert details == {"field": "db_type", "allowed": ["postgres"]}
        assert install in reply.json()["error"]["message"]
        for sql in (
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB",
            "-- MySQL dump 10.13\nCREATE TABLE `t` (id INT)",
        ):
            found = api.post("/blueprint_validations", json={"sql_content": sql}).json()["data"]
            assert install in found["errors"][0]
            assert found["errors"][1].startswith("for PostgreSQL: ")
            reply = api.post("/blueprints", json={"name": "none", "sql_content": sql}, headers=new_key())
            error_of(reply, 422, "invalid_sql")
            assert install in reply.json()["error"]["message"]
        found = api.post("/blueprint_validations", json={"sql_content": "SELCT 1"}).json()["data"]
        assert "MariaDB" not in str(found), "SQL that is not MySQL's"
    assert os.environ["POLYKOMOS_MARIADB_BIN"] == str(tmp_path)
