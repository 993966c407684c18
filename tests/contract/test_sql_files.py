"""SQL files as tools write them: recognised, all problems at once, in the words of the engine that the SQL is for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from support.control_plane import create_database, delete_all, new_key
from support.mysql import once
from support.needs import require_mariadb


def validate(api: httpx.Client, sql: str, **variables: Any) -> dict[str, Any]:
    body = {"sql_content": sql, **({"variables": variables} if variables else {})}
    reply = api.post("/blueprint_validations", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def refused(api: httpx.Client, sql: str) -> list[str]:
    verdict = validate(api, sql)
    assert not verdict["valid"]
    reply = api.post("/blueprints", json={"name": "file", "sql_content": sql}, headers=new_key())
    assert reply.status_code == 422
    assert reply.json()["error"]["details"]["errors"] == verdict["errors"]
    return verdict["errors"]


def test_commands_of_psql_are_named_with_their_lines(api: httpx.Client) -> None:
    sql = "\\restrict X\nCREATE TABLE a (i int);\n\n\\unrestrict X\n"
    assert refused(api, sql) == [
        "line 1, column 1: a line that begins with a backslash is a psql command, not SQL: \\restrict",
        "line 4, column 1: a line that begins with a backslash is a psql command, not SQL: \\unrestrict",
    ]


def test_the_server_names_the_character(api: httpx.Client) -> None:
    first = refused(api, "-- é\nSELECT 1;\n  SELECT 'é',\n    1 + nope;\n")[0]
    # Without MySQL on this machine, the engine is not named.
    assert first.removeprefix("for PostgreSQL: ") == 'line 4, column 9: statement 2: column "nope" does not exist'
    first = refused(api, "CREATE TABLE a (i int);\nINSERT INTO a VALUES (1), (\n  'x');\n")[0]
    assert first.startswith("line 3, column 3: statement 2: invalid input syntax for type integer")
    first = validate(api, "SELECT {{v}},\n nope;", v="x")["errors"][0]
    assert "line 1, column 1: statement 1: " in first, "the text that the server saw is another"


def test_rows_of_copy_are_not_read_as_sql(api: httpx.Client) -> None:
    (error,) = refused(api, "CREATE TABLE p (n text);\nCOPY p FROM stdin;\nO'Hara\n\\.\n")
    assert error.startswith("line 2, column 1: COPY p FROM STDIN")
    assert "pg_dump --inserts" in error


def test_problems_of_the_text_and_of_the_server_come_together(api: httpx.Client) -> None:
    sql = "\\c other\nCREATE TABLE a (i int);\nVACUUM;\n  CREATE TABLE a (i int);\nSELECT 1/0;"
    errors = refused(api, sql)
    assert [error.split(": ", 1)[0] for error in errors] == [
        "line 1, column 1", "line 3, column 1", "line 4, column 3", "line 5, column 1",
    ]  # fmt: skip
    assert 'statement 3: relation "a" already exists' in errors[2]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_at_the_beginning_is_ignored(api: httpx.Client, line_end: str) -> None:
    for db_type, sql in (("postgres", "CREATE TABLE a (i int);"), ("mysql", "CREATE TABLE `a` (i int);")):
        text = f"\ufeff{sql}{line_end}INSERT INTO a VALUES (1);{line_end}"
        assert validate(api, text)["valid"]
        made = create_database(api, "marked", db_type=db_type)
        body = {"name": "marked", "sql_content": text}
        blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
        assert api.get(f"/blueprints/{blueprint['uuid']}").json()["data"]["sql_content"] == text, "no drift"
        path = f"/databases/{made['uuid']}/blueprint_applications"
        done = api.post(path, json={"blueprint_uuid": blueprint["uuid"]}, headers=new_key()).json()["data"]
        assert (done["status"], done["statements_total"]) == ("completed", 2), done
        delete_all(api, [made["uuid"]])


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE\u00a0TABLE a (i int);", "U+00A0 NO-BREAK SPACE"),
        ("SELECT 1;\u200b\nSELECT 2;", "U+200B ZERO WIDTH SPACE"),
        ("SELECT \u2018it\u2019;", "U+2018 LEFT SINGLE QUOTATION MARK"),
    ],
)
def test_what_only_looks_like_a_space_or_a_quote_is_named(api: httpx.Client, sql: str, name: str) -> None:
    assert all(name in error for error in refused(api, sql))
    assert validate(api, "SELECT '\u00a0' AS \"a\u00a0b\", 1 AS a\u00a0b;")["valid"]


def test_delimiter_is_explained_in_mysqls_words(api: httpx.Client) -> None:
    sql = "SELECT 1;\nDELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT 1; END;;\nDELIMITER ;\n"
    (error,) = validate(api, sql)["errors"]
    assert error.startswith("line 2, column 1: DELIMITER is a command of the mysql program")
    assert error.endswith("(the same in line 4)")


def test_a_dump_for_mysql_is_not_judged_by_postgres(api: httpx.Client) -> None:
    sql = "-- MariaDB dump 10.19\n/*!40101 SET NAMES utf8 */;\nCREATE TABLE `t` (a int);\nLOCK TABLES `t` WRITE;\n"
    errors = refused(api, sql)
    assert [error[:30] for error in errors] == ["line 2, column 1: a comment th", "line 4, column 1: statement 2:"]


def test_escapes_of_mysql_are_no_commands_of_psql(api: httpx.Client) -> None:
    require_mariadb()
    sql = "CREATE TABLE `t` (a text);\nINSERT INTO `t` VALUES ('O\\'Hara;\\nline'), ('a\\'b');\n"
    verdict = validate(api, sql)
    assert verdict["valid"], verdict["errors"]
    assert verdict["warnings"][0].startswith("valid for MySQL only, PostgreSQL rejects it: line 1, column 14: ")


def test_where_the_engine_is_not_known_both_are_quoted_the_likelier_first(api: httpx.Client) -> None:
    require_mariadb()
    first, second = refused(api, "SELECT 1;\nSELEC 2;")
    assert first.startswith("for PostgreSQL: line 2, column 1: statement 2: syntax error")
    assert second.startswith("for MySQL: line 2, column 1: statement 2: You have an error in your SQL syntax")
    first, second = refused(api, "SELECT 1;\nCREATE TABLE t (\n  a int,, b int\n) ENGINE=InnoDB;")
    assert first.startswith("for MySQL: line 3, column 3: statement 2: You have an error"), "MariaDB names the line"
    assert second.startswith("for PostgreSQL: line 3, column 9: statement 2: syntax error")


def test_values_that_would_run_together_are_refused(api: httpx.Client) -> None:
    given = {"a": "1", "b": "2"}
    (error,) = validate(api, "SELECT {{a}}{{b}}", **given)["errors"][:1]
    assert "line 1, column 13: variable b" in error
    assert "runs together" in error
    assert validate(api, "SELECT {{a}} || {{b}}", **given)["valid"]


def test_a_blueprint_for_the_other_engine_is_refused_in_that_engines_words(api: httpx.Client) -> None:
    sql = "CREATE TABLE t (a text);\nINSERT INTO t VALUES ('it\\');"
    blueprint = api.post("/blueprints", json={"name": "pg", "sql_content": sql}, headers=new_key()).json()["data"]
    made = create_database(api, "other", db_type="mysql")
    path = f"/databases/{made['uuid']}/blueprint_applications"
    reply = api.post(path, json={"blueprint_uuid": blueprint["uuid"]}, headers=new_key())
    assert reply.status_code == 422
    message = reply.json()["error"]["message"]
    assert "not for MySQL: line 2, column 23: unterminated quote" in message
    delete_all(api, [made["uuid"]])


def test_a_thousand_lines_for_mysql_are_run(api: httpx.Client) -> None:
    """68 seconds before, for the splitting alone."""
    require_mariadb()
    sql = "CREATE TABLE `t` (a int);\n" + "INSERT INTO t (a) VALUES (1);\n" * 1000
    blueprint = api.post("/blueprints", json={"name": "rows", "sql_content": sql}, headers=new_key()).json()["data"]
    made = create_database(api, "rows", db_type="mysql")
    path = f"/databases/{made['uuid']}/blueprint_applications"
    body = {"blueprint_uuid": blueprint["uuid"], "timeout": 120}
    done = api.post(path, json=body, headers=new_key(), timeout=130).json()["data"]
    assert (done["status"], done["statements_succeeded"]) == ("completed", 1001), done["error_message"]
    assert once(made, "SELECT count(*) FROM t") == [(1000,)]
    delete_all(api, [made["uuid"]])
