"""Blueprints in MySQL databases: a dry run on a copy comes first, because DDL commits by itself (S23-S25)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest

from support.control_plane import ControlPlane, create_database, delete_all, new_key, wait_until
from support.mysql import ask, connect, once
from support.needs import require_mariadb
from support.operations import error_of

TABLE = "CREATE TABLE IF NOT EXISTS log (id int AUTO_INCREMENT PRIMARY KEY, who varchar(200) NOT NULL);"
SQL = TABLE + " INSERT INTO log (who) VALUES ({{who}});"
# True in the copy, an error in the real database.
ONLY_IN_THE_COPY = (
    "INSERT INTO log (who) SELECT IF(database() LIKE 'polykomos%', 'copy', (SELECT 'a' UNION SELECT 'b'));"
)


def blueprint(api: httpx.Client, sql: str = SQL, **variables: Any) -> str:
    body = {"name": "log", "sql_content": sql, "variables": variables or {"who": "nobody"}}
    reply = api.post("/blueprints", json=body, headers=new_key())
    assert reply.status_code == 201, reply.text
    return reply.json()["data"]["uuid"]


def apply(api: httpx.Client, database: dict[str, Any], uuid: str, **body: Any) -> dict[str, Any]:
    path = f"/databases/{database['uuid']}/blueprint_applications"
    reply = api.post(path, json={"blueprint_uuid": uuid, **body}, headers=new_key())
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def who(database: dict[str, Any]) -> list[str]:
    try:
        return [row[0] for row in once(database, "SELECT who FROM log ORDER BY who")]
    except pymysql.err.ProgrammingError:
        return []


@pytest.fixture
def database(api: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create_database(api, "written", db_type="mysql")
    yield made
    delete_all(api, [made["uuid"]])


def nothing_is_left(database: dict[str, Any]) -> None:
    """Of dry runs and runs; the marker of a run is deleted just after its status is final."""
    with connect(database) as conn:
        deadline = time.monotonic() + 10
        while len(ask(conn, "SHOW DATABASES")) > 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(ask(conn, "SHOW DATABASES")) == 2
        assert [row[0] for row in ask(conn, "SHOW TABLES") if row[0] not in ("log", "a", "b", "pane")] == []


@pytest.mark.parametrize("name", ["O'Neil; DROP TABLE log;--", "back\\slash\" ' \n\x01", "🐬 `x`", ""])
def test_an_application_runs_as_the_tenant(api: httpx.Client, database: dict[str, Any], name: str) -> None:
    done = apply(api, database, blueprint(api), variables={"who": name})
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert (done["statements_total"], done["statements_succeeded"], done["statements_failed"]) == (2, 2, 0)
    assert done["execution_log"][1]["rows_affected"] == 1
    assert who(database) == [name]
    nothing_is_left(database)


def test_values_mean_the_same_without_backslash_escapes(api: httpx.Client, database: dict[str, Any]) -> None:
    once(database, TABLE)
    sql = "INSERT INTO log (who) VALUES ({{who}}), ({{who}});"
    assert apply(api, database, blueprint(api, sql), variables={"who": "\\'); DROP TABLE log; -- "})["status"] == (
        "completed"
    )
    assert who(database) == ["\\'); DROP TABLE log; -- "] * 2


def test_numbers_booleans_and_identifiers(api: httpx.Client, database: dict[str, Any]) -> None:
    sql = "CREATE TABLE {{table}} (n int); INSERT INTO {{table}} VALUES (1-{{n}}), (1--{{n}}), ({{flag}});"
    given = {"table": {"type": "identifier"}, "n": {"type": "number"}, "flag": {"type": "boolean"}}
    uuid = blueprint(api, sql, **given)
    done = apply(api, database, uuid, variables={"table": "odd`na me", "n": -5, "flag": True})
    assert done["status"] == "completed", done
    assert once(database, "SELECT n FROM `odd``na me` ORDER BY n") == [(-4,), (1,), (6,)]


def test_a_dry_run_keeps_nothing(api: httpx.Client, database: dict[str, Any]) -> None:
    done = apply(api, database, blueprint(api), dry_run=True)
    assert (done["status"], done["is_dry_run"], done["statements_succeeded"]) == ("completed", True, 2)
    assert who(database) == []
    failed = apply(api, database, blueprint(api, SQL + "ALTER TABLE nope ADD a int;"), dry_run=True)
    assert (failed["status"], failed["statements_succeeded"], failed["statements_failed"]) == ("failed", 2, 1)
    assert who(database) == []
    nothing_is_left(database)


@pytest.mark.facts("S25")
def test_what_fails_in_the_dry_run_is_not_run(api: httpx.Client, database: dict[str, Any]) -> None:
    done = apply(api, database, blueprint(api, SQL + "ALTER TABLE nope ADD a int;"))
    assert (done["status"], done["statements_succeeded"], done["statements_failed"]) == ("failed", 0, 1)
    assert "statement 3" in done["error_message"]
    assert "Nothing was changed" in done["error_message"]
    assert f"{database['db_name']}.nope" in done["error_message"]
    with pytest.raises(pymysql.err.ProgrammingError):
        once(database, "SELECT 1 FROM log")


def test_the_copy_has_everything(api: httpx.Client, database: dict[str, Any]) -> None:
    for statement in (
        TABLE,
        "INSERT INTO log (who) VALUES ('there')",
        "CREATE TABLE a (id int PRIMARY KEY, twice int AS (2 * id) STORED)",
        "CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id))",
        "CREATE VIEW pane AS SELECT who FROM log",
        "CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE TRIGGER refuse BEFORE INSERT ON a FOR EACH ROW BEGIN IF NEW.id = 9 THEN"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no nine'; END IF; END",
    ):
        once(database, statement)
    good = "INSERT INTO a (id) SELECT one() FROM pane WHERE who = 'there'; INSERT INTO b VALUES (1);"
    done = apply(api, database, blueprint(api, good))
    assert done["status"] == "completed", done
    for bad, told in (
        ("INSERT INTO a (id) VALUES (9);", "no nine"),
        ("INSERT INTO b VALUES (77);", "foreign key"),
        ("INSERT INTO a (id) VALUES (1);", "Duplicate"),
    ):
        done = apply(api, database, blueprint(api, bad))
        assert done["status"] == "failed"
        assert told in done["error_message"]
        assert "Nothing was changed" in done["error_message"]


@pytest.mark.facts("S25")
def test_rows_alone_are_rolled_back(api: httpx.Client, database: dict[str, Any]) -> None:
    once(database, TABLE)
    sql = f"INSERT INTO log (who) VALUES ('first'); {ONLY_IN_THE_COPY}"
    done = apply(api, database, blueprint(api, sql))
    assert (done["status"], done["statements_succeeded"], done["statements_failed"]) == ("rolled_back", 1, 1)
    assert who(database) == []
    nothing_is_left(database)


@pytest.mark.facts("S25")
def test_the_statements_that_stay_committed_are_reported(api: httpx.Client, database: dict[str, Any]) -> None:
    sql = f"{SQL} CREATE TABLE a (i int); INSERT INTO log (who) VALUES ('uncommitted'); {ONLY_IN_THE_COPY}"
    done = apply(api, database, blueprint(api, sql))
    assert (done["status"], done["statements_succeeded"], done["statements_failed"]) == ("failed", 4, 1)
    assert "statement 5 failed" in done["error_message"]
    assert "statements 1 to 3" in done["error_message"]
    assert who(database) == ["nobody"]
    assert once(database, "SELECT count(*) FROM a") == [(0,)]


def test_changes_to_tables_without_transactions_are_reported(api: httpx.Client, database: dict[str, Any]) -> None:
    once(database, "CREATE TABLE log (who varchar(200)) ENGINE=MyISAM")
    sql = f"INSERT INTO log (who) VALUES ('stays'); {ONLY_IN_THE_COPY}"
    done = apply(api, database, blueprint(api, sql))
    assert done["status"] == "failed"
    assert "without transactions" in done["error_message"]
    assert who(database) == ["stays"]


def test_bodies_need_no_delimiter(api: httpx.Client, database: dict[str, Any]) -> None:
    sql = (
        TABLE
        + """
        CREATE PROCEDURE fill(IN n int) BEGIN
            DECLARE i int DEFAULT 0;
            WHILE i < n DO
                IF i = 1 THEN INSERT INTO log (who) VALUES ('one');
                ELSE INSERT INTO log (who) VALUES (IF(i, 'x', 'y')); END IF;
                SET i = i + 1;
            END WHILE;
        END;
        CALL fill(3);"""
    )
    done = apply(api, database, blueprint(api, sql))
    assert (done["status"], done["statements_succeeded"]) == ("completed", 3), done
    assert who(database) == ["one", "x", "y"]


def test_a_blueprint_of_the_creation(api: httpx.Client) -> None:
    require_mariadb()
    made = create_database(
        api, "born", db_type="mysql", blueprint_uuid=blueprint(api), blueprint_variables={"who": "me"}
    )
    assert who(made) == ["me"]
    delete_all(api, [made["uuid"]])


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT", "START TRANSACTION", "SET `autocommit` = 1", "SET @a = 1, GLOBAL sql_mode = ''",
        "SET sql_mode = ''; SELECT `x`", "SET @a = (SELECT 1, 2), autocommit = 1",
        "LOCK TABLES t WRITE", "USE `mysql`", "FLUSH TABLES", "CREATE USER `x`", "DROP DATABASE `x`", "KILL 1",
        "LOAD DATA INFILE '/x' INTO TABLE `t`", "SELECT 1 INTO OUTFILE '/tmp/x'", "EXECUTE IMMEDIATE 'COMMIT'",
        "CREATE EVENT `e` ON SCHEDULE EVERY 1 SECOND DO SELECT 1", "GRANT SELECT ON `t` TO `u`",
        "DELIMITER //\nSELECT 1", "SELECT 1 /*! , 2 */ FROM `x`", "SELECT 'open", "RENAME USER `a` TO `b`",
        "CREATE DEFINER=`root`@`%` VIEW v AS SELECT 1",
        "SELECT `query` FROM `information_schema`.`nope`", "SELECT * FROM `mysql`.`user`", "SELEC `1`",
    ],
)  # fmt: skip
def test_what_is_refused(api: httpx.Client, sql: str) -> None:
    reply = api.post("/blueprint_validations", json={"sql_content": sql})
    assert reply.json()["data"]["valid"] is False, reply.text
    assert api.post("/blueprints", json={"name": "no", "sql_content": sql}, headers=new_key()).status_code == 422


def test_valid_for_one_engine_is_valid(api: httpx.Client) -> None:
    require_mariadb()
    sql = (
        "CREATE TABLE `t` (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB; ALTER TABLE `elsewhere` ADD COLUMN a int;"
    )
    verdict = api.post("/blueprint_validations", json={"sql_content": sql}).json()["data"]
    assert (verdict["valid"], verdict["statement_count"]) == (True, 2), verdict
    assert "PostgreSQL rejects it" in verdict["warnings"][0]
    assert "elsewhere" in verdict["warnings"][1]


def test_the_database_s_engine_decides_when_it_is_applied(api: httpx.Client, database: dict[str, Any]) -> None:
    mysql = blueprint(api, "CREATE TABLE `t` (id int);")
    postgres = create_database(api, "other")
    path = "/databases/{}/blueprint_applications"
    reply = api.post(path.format(postgres["uuid"]), json={"blueprint_uuid": mysql}, headers=new_key())
    assert reply.json()["data"]["status"] == "rolled_back"
    quoted = blueprint(api, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT '\\'::text::int $$;")
    reply = api.post(path.format(database["uuid"]), json={"blueprint_uuid": quoted}, headers=new_key())
    assert error_of(reply, 422, "invalid_field")["field"] == "blueprint_uuid"
    assert "not for MySQL" in reply.json()["error"]["message"]
    # To PostgreSQL the string ends at the backslash, and a COMMIT follows.
    sneaky = blueprint(api, "CREATE TABLE `a` (i text); INSERT INTO `a` VALUES ('\\'); COMMIT; -- ');")
    reply = api.post(path.format(postgres["uuid"]), json={"blueprint_uuid": sneaky}, headers=new_key())
    assert error_of(reply, 422, "invalid_field")["field"] == "blueprint_uuid"
    delete_all(api, [postgres["uuid"]])


@pytest.mark.parametrize("defines", [False, True])
def test_a_killed_run_is_carried_out_once_or_reported_as_unknown(tmp_path: Path, defines: bool) -> None:
    arguments = ["--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "1"]
    with ControlPlane(*arguments) as plane:
        with plane.client() as api:
            database = create_database(api, "killed", db_type="mysql")
            once(database, TABLE)
            middle = "CREATE TABLE IF NOT EXISTS a (i int);" if defines else ""
            # Quick in the copy, slow for real.
            slow = "DO sleep(IF(database() LIKE 'polykomos%', 0, 3));"
            sql = f"INSERT INTO log (who) VALUES ('first'); {middle} {slow} INSERT INTO log (who) VALUES ('last');"
            path = f"/databases/{database['uuid']}/blueprint_applications"
            body = {"blueprint_uuid": blueprint(api, sql), "wait": False}
            run = api.post(path, json=body, headers=new_key()).json()["data"]
            wait_until(lambda: sleeping(database))
        plane.kill()
        plane.restart()
        with plane.client() as api:
            application = f"/blueprint_applications/{run['id']}"
            ended = ("completed", "failed", "rolled_back")
            wait_until(lambda: api.get(application).json()["data"]["status"] in ended)
            done = api.get(application).json()["data"]
        if defines:
            assert done["status"] == "failed"
            assert "statement 3 ran: the 2 before it are committed" in done["error_message"]
            assert who(database) == ["first"]
        else:
            assert done["status"] == "completed"
            assert who(database) == ["first", "last"]


def sleeping(database: dict[str, Any]) -> bool:
    with connect(database) as conn:
        return any("sleep" in str(row[7]) for row in ask(conn, "SHOW PROCESSLIST") if row[0] != conn.thread_id())


def test_what_a_compound_statement_committed_is_reported(api: httpx.Client, database: dict[str, Any]) -> None:
    once(database, TABLE)
    sql = (
        "INSERT INTO log (who) VALUES ('first'); IF 1 = 1 THEN COMMIT; INSERT INTO log (who) VALUES ('second'); END IF;"
        + ONLY_IN_THE_COPY
    )
    done = apply(api, database, blueprint(api, sql))
    assert done["status"] == "failed"
    assert "The changes of statements 1 to 2 are committed" in done["error_message"]
    assert who(database) == ["first"]


def test_a_procedure_that_makes_transactions_read_only(api: httpx.Client, database: dict[str, Any]) -> None:
    sql = "CREATE PROCEDURE only_reads() BEGIN SET SESSION TRANSACTION READ ONLY; COMMIT; END; CALL only_reads();"
    done = apply(api, database, blueprint(api, f"{sql} {SQL}"))
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert who(database) == ["nobody"]
